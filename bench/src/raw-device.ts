import { once } from 'node:events';
import { type ClientFrameFields, ClientFrames, type ServerFrame, ServerFrames } from '@sotto/proto';
import { WebSocket } from 'ws';
import type { RawAccount } from './raw-account.ts';
import type { RelayProcess } from './relay-process.ts';

/** One frame a WebSocket message, or all that go in one turn in one message, as clients do. */
export type Packing = 'batched' | 'unbatched';

/** A device's stream to a relay, by hand. */
export class RawDevice {
  readonly account: RawAccount;
  packing: Packing = 'batched';
  /** Called with the frames of each WebSocket message. */
  onFrames: (frames: readonly ServerFrame[]) => void = () => undefined;
  private readonly socket: WebSocket;
  private waiting: ClientFrameFields[] = [];

  /** Opens the stream; resolves when what was stored has been delivered. */
  static async open(relay: RelayProcess, account: RawAccount): Promise<RawDevice> {
    const socket = new WebSocket(`${relay.url.replace('http', 'ws')}/v1/stream`, {
      perMessageDeflate: false,
      headers: { authorization: `Bearer ${account.accessToken}` },
    });
    await once(socket, 'open');
    const device = new RawDevice(account, socket);
    const live = new Promise<void>((resolve) => {
      device.onFrames = (frames) => {
        if (frames.some((frame) => frame.queueEmpty)) resolve();
      };
    });
    device.send([{ hello: { protocolMin: 1, protocolMax: 1, agent: 'sotto-bench' } }]);
    await live;
    return device;
  }

  private constructor(account: RawAccount, socket: WebSocket) {
    this.account = account;
    this.socket = socket;
    socket.on('message', (data) => {
      if (!(data instanceof Uint8Array)) throw new TypeError('a relay sends binary messages');
      const frames = ServerFrames.decode(data).frames as readonly ServerFrame[];
      const failed = frames.find((frame) => frame.error)?.error;
      if (failed) throw new Error(`the relay refused a frame: ${failed.code}`);
      this.onFrames(frames);
    });
    socket.on('error', (error) => {
      throw error;
    });
  }

  /** Sends frames; when batched, with all that are given in this turn. */
  send(frames: readonly ClientFrameFields[]): void {
    if (this.packing === 'unbatched') {
      for (const frame of frames) this.socket.send(ClientFrames.encode({ frames: [frame] }));
      return;
    }
    this.waiting.push(...frames);
    if (this.waiting.length > frames.length || frames.length === 0) return;
    queueMicrotask(() => this.socket.send(ClientFrames.encode({ frames: this.waiting.splice(0) })));
  }

  close(): void {
    this.socket.removeAllListeners('message');
    this.socket.close(1000);
  }
}
