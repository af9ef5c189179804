import { ClientFrames, type ServerFrame, ServerFrames } from '@sotto/proto';
import type { Socket, SocketFactory } from '@sotto/sdk/ports';
import { wsSockets } from '../soak/ws-sockets.ts';

/** What of an Ephemeral frame a test looks at. */
export interface TappedSignal {
  readonly userId: Uint8Array;
  readonly deviceId: number;
  readonly payload: Uint8Array;
}

/** A client's real sockets, with a look at the signals that it sends, and a way to send others in its name: what a hostile relay, or a hostile sender, can do. */
export class TappedSockets {
  /** Signals that left, in their order. */
  readonly sent: TappedSignal[] = [];
  /** Frames of every kind that came, in their order. */
  readonly received: ServerFrame[] = [];
  readonly factory: SocketFactory;
  #socket: Socket | undefined;

  constructor(onFrame: () => void) {
    const real = wsSockets();
    this.factory = {
      credential: real.credential,
      open: (target, handlers) => {
        const socket = real.open(target, {
          ...handlers,
          received: (bytes) => {
            this.received.push(...(ServerFrames.decode(bytes).frames as ServerFrame[]));
            handlers.received(bytes);
            onFrame();
          },
          opened: () => handlers.opened(),
          closed: (reason) => handlers.closed(reason),
        });
        this.#socket = socket;
        return {
          send: (bytes) => {
            for (const { ephemeral } of ClientFrames.decode(bytes).frames) {
              if (ephemeral) this.sent.push(structuredClone(ephemeral) as TappedSignal);
            }
            socket.send(bytes);
            onFrame();
          },
          close: (code, text) => socket.close(code, text),
          terminate: () => socket.terminate(),
          get bufferedBytes() {
            return socket.bufferedBytes;
          },
        };
      },
    };
  }

  /** Sends a signal over the client's own connection. */
  inject(...signals: readonly TappedSignal[]): void {
    this.#socket?.send(ClientFrames.encode({ frames: signals.map((ephemeral) => ({ ephemeral })) }));
  }
}
