import { type Duplex, duplexPair } from 'node:stream';
import type { RelayAddress, RelayListener } from '@sotto/relay-server';

const address: RelayAddress = { port: 80, url: 'http://relay.localhost' };

/** Where a relay takes connections in memory: what its TCP port would be. */
export class RelayPort implements RelayListener {
  readonly url = address.url;
  readonly #connections = new Set<Duplex>();
  #take: ((connection: Duplex) => void) | undefined;

  async listen(take: (connection: Duplex) => void): Promise<RelayAddress> {
    this.#take = take;
    return address;
  }

  async close(): Promise<void> {
    this.#take = undefined;
  }

  /** Whether somebody takes connections. */
  get isOpen(): boolean {
    return this.#take !== undefined;
  }

  /**
   * Connects a client; gives its end, or undefined when nobody listens. Whatever destroys one end destroys the other.
   * @param remoteAddress what the relay takes for the client's address
   */
  connect(remoteAddress: string): Duplex | undefined {
    if (this.#take === undefined) return undefined;
    const [near, far] = duplexPair();
    this.#connections.add(far);
    tie(near, far);
    tie(far, near);
    far.once('close', () => this.#connections.delete(far));
    Object.defineProperty(far, 'remoteAddress', { value: remoteAddress });
    this.#take(far);
    return near;
  }

  /** Breaks all connections and takes no more: the process behind the port is gone. */
  sever(): void {
    this.#take = undefined;
    for (const connection of [...this.#connections]) connection.destroy();
  }
}

/** A reset on one end is an end without more on the other. */
function tie(one: Duplex, other: Duplex): void {
  one.on('error', () => other.destroy());
  one.once('close', () => other.destroy());
}
