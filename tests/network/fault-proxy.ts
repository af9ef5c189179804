import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * What a proxy does to its connections:
 * - `pass`: nothing.
 * - `reset`: those that are open end with a reset, as do new ones.
 * - `half-open`: nothing goes through any more, and neither end is told.
 * - `slow`: a few bytes at a time.
 * - `refuse`: nobody listens.
 */
export type NetworkFault = 'pass' | 'reset' | 'half-open' | 'slow' | 'refuse';

export const networkFaults: readonly Exclude<NetworkFault, 'pass'>[] = ['reset', 'half-open', 'slow', 'refuse'];

const slowBytes = 512;
const slowEveryMs = 20;

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

/** A TCP proxy before a relay, or before an engine, that can break in each way that a network does. */
export class FaultProxy {
  readonly #target: () => number;
  readonly #host: string;
  readonly #targetHost: string;
  readonly #pairs = new Set<Pair>();
  #server: Server | undefined;
  #port: number;
  #fault: NetworkFault = 'pass';
  #isClosed = false;

  /**
   * @param target the port on this machine that it leads to, asked for at each connection
   * @param places where it listens: at any free port of 127.0.0.1 unless said otherwise; and on which address of this machine its target does
   */
  constructor(
    target: () => number,
    places: { readonly host?: string; readonly port?: number; readonly targetHost?: string } = {},
  ) {
    this.#target = target;
    this.#host = places.host ?? '127.0.0.1';
    this.#port = places.port ?? 0;
    this.#targetHost = places.targetHost ?? '127.0.0.1';
  }

  get url(): string {
    return `http://${this.#host}:${this.#port}`;
  }

  /** Listens; at the same port each time. */
  async listen(): Promise<void> {
    const server = createServer((near) => this.#accept(near));
    server.listen(this.#port, this.#host);
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
    if (this.#isClosed) await this.#unlisten();
  }

  /** Does nothing once it was closed. */
  async set(fault: NetworkFault): Promise<void> {
    if (this.#isClosed) return;
    const before = this.#fault;
    this.#fault = fault;
    if (fault === 'reset' || fault === 'refuse') this.#cut();
    // What was swallowed is gone: such a connection can't go on.
    if (before === 'half-open') this.#cut();
    if (fault === 'refuse') await this.#unlisten();
    else if (this.#server === undefined) await this.listen();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cut();
    await this.#unlisten();
  }

  async #unlisten(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    await closed;
  }

  #cut(): void {
    for (const { near, far } of this.#pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  }

  #accept(near: Socket): void {
    if (this.#fault === 'reset') {
      near.on('error', () => near.destroy());
      near.resetAndDestroy();
      return;
    }
    const far = connect(this.#target(), this.#targetHost);
    const pair = { near, far };
    this.#pairs.add(pair);
    this.#pass(near, far, pair);
    this.#pass(far, near, pair);
  }

  #pass(from: Socket, to: Socket, pair: Pair): void {
    from.on('data', (bytes: Buffer) => {
      if (this.#fault === 'half-open') return;
      if (this.#fault === 'slow') this.#trickle(bytes, from, to);
      else if (!to.write(bytes)) {
        from.pause();
        to.once('drain', () => from.resume());
      }
    });
    // Whatever ends one side ends the other; what broke it is for its two ends to say.
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#pairs.delete(pair);
      to.destroy();
    });
  }

  #trickle(bytes: Buffer, from: Socket, to: Socket): void {
    from.pause();
    to.write(bytes.subarray(0, slowBytes));
    const rest = bytes.subarray(slowBytes);
    setTimeout(() => {
      if (rest.length === 0) from.resume();
      else if (this.#fault === 'slow') this.#trickle(rest, from, to);
      else if (!to.destroyed) {
        to.write(rest);
        from.resume();
      }
    }, slowEveryMs);
  }
}
