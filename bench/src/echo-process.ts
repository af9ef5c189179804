import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { extname, join } from 'node:path';
import { WebSocket } from 'ws';
import { childArguments, endChild, pidOf } from './relay-process.ts';

/** A bare `ws` echo in a process of its own, and connections to it. */
export class EchoProcess implements AsyncDisposable {
  readonly port: number;
  private readonly child: ChildProcess;
  private readonly sockets: readonly WebSocket[];

  /** Starts it, with so many connections. */
  static async start(connections: number): Promise<EchoProcess> {
    const program = join(import.meta.dirname, `echo-server${extname(import.meta.filename)}`);
    const child = fork(program, [], { execArgv: [...childArguments()], stdio: 'inherit' });
    const [port] = await once(child, 'message');
    const sockets = await Promise.all(
      Array.from({ length: connections }, async () => {
        const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
        await once(socket, 'open');
        return socket;
      }),
    );
    return new EchoProcess(child, port, sockets);
  }

  private constructor(child: ChildProcess, port: number, sockets: readonly WebSocket[]) {
    this.child = child;
    this.port = port;
    this.sockets = sockets;
  }

  /** Its process id. */
  get pid(): number {
    return pidOf(this.child);
  }

  /**
   * Sends messages, one WebSocket message each, at most `window` without their echo on a connection; gives the milliseconds until the last echo.
   * @param bytes of each message
   */
  async run(perConnection: number, window: number, bytes: Uint8Array): Promise<number> {
    const began = performance.now();
    await Promise.all(
      this.sockets.map(
        (socket) =>
          new Promise<void>((resolve) => {
            let sent = 0;
            let echoed = 0;
            const send = () => {
              if (sent === perConnection) return;
              sent++;
              socket.send(bytes);
            };
            const listen = () => {
              send();
              if (++echoed < perConnection) return;
              socket.off('message', listen);
              resolve();
            };
            socket.on('message', listen);
            for (let number = 0; number < window; number++) send();
          }),
      ),
    );
    return performance.now() - began;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.terminate();
    await endChild(this.child);
  }
}
