import ipaddr from 'ipaddr.js';

/** Whether a text is an address, or a network in CIDR form: `192.0.2.1`, `10.0.0.0/8`, `2001:db8::/32`. */
export function isNetwork(text: string): boolean {
  return isAddress(text) || ipaddr.isValidCIDR(text);
}

/** Whether a text is an address of either family, in a form in which no part may be left out. */
export function isAddress(text: string): boolean {
  return ipaddr.IPv6.isValid(text) || ipaddr.IPv4.isValidFourPartDecimal(text);
}

/**
 * What limits count a client by: its IPv4 address, or the /64 of its IPv6 address, since one customer has at least as many.
 *
 * An IPv4 address that is mapped into IPv6 is that IPv4 address. What is no address at all counts as one client of its own.
 */
export function networkOf(address: string): string {
  const [bare = ''] = address.split('%', 1);
  if (!isAddress(bare)) return 'unknown';
  const parsed = ipaddr.process(bare);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  return `${parsed.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}
