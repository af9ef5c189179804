import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { unmasked } from './unmasked.ts';

/** A TCP proxy before a relay: passes bytes on, keeps a copy of all of them, and can hold requests back for good. */
export class RelayProxy implements AsyncDisposable {
  readonly #captured: { readonly isRequest: boolean; readonly chunks: Buffer[] }[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #held: RegExp | undefined;
  #onHeld: () => void = () => undefined;

  private constructor(target: URL) {
    this.#server = createServer((near) => {
      const far = connect(Number(target.port), target.hostname);
      this.#pass(near, far, true);
      this.#pass(far, near, false);
    });
  }

  static async open(relayUrl: string): Promise<RelayProxy> {
    const proxy = new RelayProxy(new URL(relayUrl));
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Every byte that passed, a buffer a direction and connection. What clients sent over WebSockets stands there without its mask, which would hide anything. */
  captured(): Buffer[] {
    return this.#captured.map(({ isRequest, chunks }) => {
      const bytes = Buffer.concat(chunks);
      return isRequest ? unmasked(bytes) : bytes;
    });
  }

  /** Swallows requests whose first line matches, and whatever follows on their connection; `onHeld` is told of each. */
  hold(requestLine: RegExp, onHeld: () => void = () => undefined): void {
    this.#held = requestLine;
    this.#onHeld = onHeld;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #pass(from: Socket, to: Socket, isRequest: boolean): void {
    this.#sockets.add(from);
    let isHeld = false;
    const chunks: Buffer[] = [];
    this.#captured.push({ isRequest, chunks });
    from.on('data', (bytes) => {
      chunks.push(bytes);
      if (isRequest && !isHeld && this.#held?.test(bytes.toString('latin1').split('\r\n', 1)[0] ?? '')) {
        isHeld = true;
        this.#onHeld();
      }
      if (!isHeld) to.write(bytes);
    });
    // Whatever ends one side ends the other; what broke it is for its two ends to say.
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}
