import { ClientFrames, Send, type ServerFrame, ServerFrames } from '@sotto/proto';
import type { Socket, SocketFactory, SocketHandlers } from '@sotto/sdk/ports';
import { wsSockets } from '../soak/ws-sockets.ts';

/** What of an Ephemeral frame a test looks at. */
export interface TappedSignal {
  readonly userId: Uint8Array;
  readonly deviceId: number;
  readonly payload: Uint8Array;
}

/** A client's real sockets, with a look at what it sends, a way to cut it off, and one to send signals in its name: what a hostile relay, or a hostile sender, can do. */
export class TappedSockets {
  /** Signals that left, in their order. */
  readonly sent: TappedSignal[] = [];
  /** Sends that left, in their order. */
  readonly sends: Send[] = [];
  /** Frames of every kind that came, in their order. */
  readonly received: ServerFrame[] = [];
  readonly factory: SocketFactory;
  #socket: Socket | undefined;
  #receive: (bytes: Uint8Array) => void = () => undefined;
  #isCutOff = false;

  constructor(onFrame: () => void) {
    const real = wsSockets();
    this.factory = {
      credential: real.credential,
      open: (target, handlers) => {
        if (this.#isCutOff) return unreachable(handlers);
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
        this.#receive = (bytes) => handlers.received(bytes);
        return {
          send: (bytes) => {
            for (const { ephemeral, send } of ClientFrames.decode(bytes).frames) {
              if (ephemeral) this.sent.push(structuredClone(ephemeral) as TappedSignal);
              if (send) this.sends.push(Send.decode(Send.encode(send)));
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

  /** Delivers envelopes as a relay would that gives away what is not for this client. */
  deliver(...envelopes: readonly Uint8Array[]): void {
    const frames = envelopes.map((envelope, at) => ({ deliver: { deliveryId: Uint8Array.of(255, at), envelope } }));
    this.#receive(ServerFrames.encode({ frames }));
  }

  /** Breaks the connection, and lets none be made until `reach`. */
  cutOff(): void {
    this.#isCutOff = true;
    this.#socket?.terminate();
  }

  /** Ends what `cutOff` began. */
  reach(): void {
    this.#isCutOff = false;
  }

  /** Sends a signal over the client's own connection. */
  inject(...signals: readonly TappedSignal[]): void {
    this.#socket?.send(ClientFrames.encode({ frames: signals.map((ephemeral) => ({ ephemeral })) }));
  }
}

function unreachable(handlers: SocketHandlers): Socket {
  setImmediate(() => handlers.closed({ code: 1006, text: 'cut off' }));
  return { send: () => undefined, close: () => undefined, terminate: () => undefined, bufferedBytes: 0 };
}
