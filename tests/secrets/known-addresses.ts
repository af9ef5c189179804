import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { bytesCanary, type Canary, textCanary } from './canary.ts';

/** Where the requests of a test seem to come from: addresses that can be found again wherever they were written down. */
export class KnownAddresses {
  /** Of this machine, and nobody else's. */
  readonly direct = '127.13.57.91';
  /** What a proxy says of those behind it. */
  readonly behindProxy = `203.0.113.${100 + ((randomBytes(1)[0] ?? 0) % 100)}`;
  readonly #network = randomBytes(4);
  readonly behindProxy6: string;
  readonly canaries: readonly Canary[];

  constructor() {
    // Groups without a leading zero have one form only.
    this.#network[0] = 0x1a;
    this.#network[2] = 0x2b;
    const hex = this.#network.toString('hex');
    const prefix = `2001:db8:${hex.slice(0, 4)}:${hex.slice(4)}`;
    this.behindProxy6 = `${prefix}::c0de`;
    this.canaries = [
      textCanary('own address', this.direct),
      textCanary('address behind a proxy', this.behindProxy),
      textCanary('IPv6 network behind a proxy', prefix),
      bytesCanary('IPv6 network in bytes', Buffer.concat([Buffer.from('20010db8', 'hex'), this.#network])),
    ];
  }

  /** Makes a request from each of them; gives the statuses. */
  async askFromAll(
    url: string,
    options: { readonly method: string; readonly headers: Record<string, string>; readonly body?: string },
  ): Promise<readonly number[]> {
    const from = [
      { localAddress: this.direct },
      { headers: { 'x-forwarded-for': this.behindProxy } },
      { headers: { 'x-forwarded-for': this.behindProxy6 } },
    ];
    const statuses = [];
    for (const { headers, ...where } of from) {
      const asked = request(url, {
        method: options.method,
        headers: { ...options.headers, ...headers },
        agent: false,
        ...where,
      });
      asked.end(options.body);
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      answer.resume();
      await once(answer, 'end');
      statuses.push(answer.statusCode ?? 0);
    }
    return statuses;
  }
}
