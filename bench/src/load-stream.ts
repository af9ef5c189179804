import { connect, type Socket } from 'node:net';
import { type ClientFrameFields, ClientFrames, type ServerFrame, ServerFrames } from '@sotto/proto';
import { WebSocket } from 'ws';
import type { LoadAccount } from './load-account.ts';

/** How many addresses of its own a load comes from: one address has ports for some 28,000 connections to one server. */
const sourceAddresses = 8;

/** Where a load's connection comes from: the loopback network has many addresses on Linux, and one elsewhere. */
export function sourceAddress(number: number): string {
  return process.platform === 'linux' ? `127.0.0.${2 + (number % sourceAddresses)}` : '127.0.0.1';
}

/** One device's stream to a relay, as lean as it goes: thousands of them are the load of one process. */
export class LoadStream {
  /** Called with the frames of each WebSocket message. */
  onFrames: (frames: readonly ServerFrame[]) => void = () => undefined;
  /** Called once when the connection has ended, however it did. */
  onEnd: () => void = () => undefined;
  readonly #socket: WebSocket;
  #tcp: Socket | undefined;
  #waiting: ClientFrameFields[] = [];

  /**
   * Connects and says hello.
   * @throws {Error} when the relay refused, or the connection broke before it was open
   */
  static open(url: string, account: LoadAccount, from: string): Promise<LoadStream> {
    return new Promise((resolve, reject) => {
      const stream = new LoadStream(url, account, from);
      stream.#socket.once('open', () => {
        stream.#socket.off('error', reject);
        stream.#socket.on('error', () => stream.#socket.terminate());
        stream.#socket.on('close', () => stream.onEnd());
        stream.send([{ hello: { protocolMin: 1, protocolMax: 1, agent: 'sotto-bench' } }]);
        resolve(stream);
      });
      stream.#socket.once('error', reject);
    });
  }

  private constructor(url: string, account: LoadAccount, from: string) {
    const { hostname, port } = new URL(url);
    this.#socket = new WebSocket(`${url.replace('http', 'ws')}/v1/stream`, {
      perMessageDeflate: false,
      headers: { authorization: `Bearer ${account.accessToken}` },
      createConnection: () => {
        this.#tcp = connect({ host: hostname, port: Number(port), localAddress: from, noDelay: true });
        return this.#tcp;
      },
    });
    this.#socket.on('message', (data) => {
      if (!(data instanceof Uint8Array)) throw new TypeError('a relay sends binary messages');
      const frames = ServerFrames.decode(data).frames as readonly ServerFrame[];
      const failed = frames.find((frame) => frame.error)?.error;
      if (failed) throw new Error(`the relay refused a frame: ${failed.code}`);
      this.onFrames(frames);
    });
  }

  /** Sends frames, with all that are given in this turn. */
  send(frames: readonly ClientFrameFields[]): void {
    const isFirst = this.#waiting.length === 0;
    for (const frame of frames) this.#waiting.push(frame);
    if (!isFirst || frames.length === 0) return;
    queueMicrotask(() => this.#socket.send(ClientFrames.encode({ frames: this.#waiting.splice(0) })));
  }

  /** The connection is gone, without a word to the other side but a reset. */
  cut(): void {
    this.#tcp?.resetAndDestroy();
  }

  /** Closes in good order. */
  close(): void {
    this.#socket.close(1000);
  }
}
