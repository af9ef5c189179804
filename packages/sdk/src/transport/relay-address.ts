import { SottoError } from '../sotto-error.ts';

/** Where a relay is. */
export interface RelayAddress {
  /** `http:` or `https:`, without a slash at the end. */
  readonly http: string;
  /** The `ws:` or `wss:` address of the stream. */
  readonly stream: string;
}

/**
 * Reads the address of a relay as a user writes it: `https://relay.example`, with a path where a proxy has put the relay under one.
 * @throws {SottoError} `relay-url-invalid`: says what to write instead; `relay-insecure`: `http://` leads to another machine, and `allowInsecure` is not set
 */
export function parseRelayAddress(text: string, options: { readonly allowInsecure?: boolean } = {}): RelayAddress {
  if (typeof text !== 'string' || !URL.canParse(text)) throw invalid(`write it as https://host or http://host:port`);
  const url = new URL(text);
  if (url.protocol === 'ws:' || url.protocol === 'wss:') {
    throw invalid(`write ${url.protocol === 'ws:' ? 'http:' : 'https:'}// in place of ${url.protocol}//`);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw invalid('it must begin with https:// or http://');
  if (url.username !== '' || url.password !== '') throw invalid('leave out the user name and password before the @');
  if (url.search !== '' || url.hash !== '') throw invalid('leave out what begins with ? or #');
  if (url.protocol === 'http:' && options.allowInsecure !== true && !isLoopback(url.hostname)) {
    throw new SottoError(
      'relay-insecure',
      'http:// to another machine shows tokens and numbers to whoever is on the way: write https://, or set allowInsecureRelay in a closed network',
    );
  }
  const http = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  return { http, stream: `${http.replace(/^http/, 'ws')}/v1/stream` };
}

/** Names and addresses of this machine, as `URL` writes them (RFC 6761, RFC 1122, RFC 4291). */
function isLoopback(hostname: string): boolean {
  const name = hostname.replace(/\.$/, '');
  if (name === 'localhost' || name.endsWith('.localhost') || name === '[::1]') return true;
  return /^127(\.\d{1,3}){3}$/.test(name);
}

function invalid(advice: string): SottoError {
  return new SottoError('relay-url-invalid', `the address of the relay can not be used: ${advice}`);
}
