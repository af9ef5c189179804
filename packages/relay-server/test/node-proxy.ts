import { connect, createServer, type Server, type Socket } from 'node:net';

/** What stands between nodes in tests: a TCP port that can be cut off and made silent. */
export class NodeProxy {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #target = 0;
  #port = 0;
  #state: 'up' | 'cut' | 'stalled' = 'up';
  /** How many connections have been tried. */
  attempts = 0;

  constructor() {
    this.#server = createServer((near) => this.#take(near));
  }

  get port(): number {
    return this.#port;
  }

  /** Begins to listen, at a free port of the loopback. */
  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('it does not listen');
    this.#port = address.port;
  }

  /** Where connections are led to. */
  lead(port: number): void {
    this.#target = port;
  }

  /** Breaks what is open; what comes is broken at once. */
  cut(): void {
    this.#state = 'cut';
    this.#breakAll();
  }

  /** Nothing passes any more, either way, and no connection is ended. */
  stall(): void {
    this.#state = 'stalled';
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  heal(): void {
    if (this.#state === 'stalled') this.#breakAll();
    this.#state = 'up';
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #breakAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  #take(near: Socket): void {
    this.attempts++;
    this.#keep(near);
    if (this.#state === 'cut') near.resetAndDestroy();
    if (this.#state !== 'up') return;
    const far = connect(this.#target, '127.0.0.1');
    this.#keep(far);
    near.pipe(far).pipe(near);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
