import { ClientFrames } from '@sotto/proto';
import type { Socket, SocketFactory } from '@sotto/sdk/ports';

/** Acknowledgements that can be kept back, as of a client that takes what comes and never says so. */
export class MutedAcks {
  readonly #open = new Set<Socket>();
  #isMute = false;

  /** Whoever was mute connects anew: what it has not acknowledged comes again, and is acknowledged then. */
  set(isMute: boolean): void {
    if (this.#isMute && !isMute) for (const socket of this.#open) socket.terminate();
    this.#isMute = isMute;
  }

  /** Sockets that send no acknowledgements while this is mute. */
  over(inner: SocketFactory): SocketFactory {
    const open = this.#open;
    const isMute = () => this.#isMute;
    return {
      credential: inner.credential,
      open(target, handlers) {
        const socket = inner.open(target, {
          opened: () => handlers.opened(),
          received: (bytes) => handlers.received(bytes),
          closed: (reason) => {
            open.delete(socket);
            handlers.closed(reason);
          },
        });
        open.add(socket);
        return {
          send: (bytes) => {
            if (!isMute()) return socket.send(bytes);
            const frames = ClientFrames.decode(bytes).frames.filter(({ ack }) => !ack);
            if (frames.length > 0) socket.send(ClientFrames.encode({ frames }));
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
}
