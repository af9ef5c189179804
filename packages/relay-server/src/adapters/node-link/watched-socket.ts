import type { WebSocket } from 'ws';
import type { LinkSettings } from './link-settings.ts';

/** Pings one connection and ends it when the other gives no sign of life. Counts ticks, not time: a stall of this process is one tick, however long it was. */
export class WatchedSocket {
  readonly #socket: WebSocket;
  readonly #most: number;
  #silent = 0;

  constructor(socket: WebSocket, { silentPings }: Pick<LinkSettings, 'silentPings'>, onSign?: () => void) {
    this.#socket = socket;
    this.#most = silentPings;
    const heard = () => {
      this.#silent = 0;
      onSign?.();
    };
    for (const sign of ['message', 'ping', 'pong'] as const) socket.on(sign, heard);
  }

  /** To be called once every `pingMs`. */
  tick(): void {
    if (this.#silent >= this.#most) {
      this.#socket.terminate();
      return;
    }
    this.#silent++;
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
  }
}
