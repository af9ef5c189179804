/** Where a node is reached, and which start of it is meant. */
export interface NodeName {
  /** A name or an address; one of IPv6 without its brackets. */
  readonly host: string;
  readonly port: number;
  /** Of letters, digits, `_` and `-`, at most 64. */
  readonly start: string;
}

const form = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([0-9a-zA-Z.-]{1,253})):([0-9]{1,5})\/([0-9a-zA-Z_-]{1,64})$/;

/** Reads `host:port/start`; `undefined` when it is none. */
export function parseNodeName(name: string): NodeName | undefined {
  const [, v6, host = v6, port, start] = form.exec(name) ?? [];
  if (host === undefined || port === undefined || start === undefined) return undefined;
  if (Number(port) < 1 || Number(port) > 65_535) return undefined;
  return { host, port: Number(port), start };
}

/** Writes `host:port/start`. */
export function nodeNameOf({ host, port, start }: NodeName): string {
  return `${addressOf(host, port)}/${start}`;
}

/** Writes `host:port`, with brackets where they are needed. */
export function addressOf(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
