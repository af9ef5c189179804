import type { Socket, SocketFactory, SocketHandlers } from '../ports/socket.ts';

const brokenCode = 1006;
const refusedDataCode = 1003;
/** The codes that a page may close with: 1000, and those that the WebSocket API leaves to applications. */
const ownCodes = { normal: 1000, from: 3000, to: 4999 };
/** What a close frame has room for (RFC 6455, 5.5), in bytes. */
const mostReasonBytes = 123;

/**
 * WebSockets by the browser's own. Never throws: whatever goes wrong is told by `closed`.
 *
 * A browser sets no headers, so a stream says who it is by a ticket, and tells no status of a refused upgrade.
 */
export function socketsOfBrowser(): SocketFactory {
  return {
    credential: 'ticket',
    open(target, handlers) {
      try {
        return new BrowserSocket(new WebSocket(target.url, [...target.protocols]), handlers);
      } catch (cause) {
        return neverOpened(cause, handlers);
      }
    },
  };
}

class BrowserSocket implements Socket {
  readonly #socket: WebSocket;
  readonly #handlers: SocketHandlers;
  #closed = false;

  constructor(socket: WebSocket, handlers: SocketHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      if (!this.#closed) handlers.opened();
    };
    socket.onmessage = ({ data }) => this.#message(data);
    // `close` follows each error, and says no more than it.
    socket.onclose = ({ code, reason }) =>
      this.#close(code, reason === '' && code === brokenCode ? 'it broke' : reason);
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(bytes: Uint8Array): void {
    if (this.#closed || this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.send(bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : bytes.slice());
  }

  close(code: number, text: string): void {
    const isOwn = code === ownCodes.normal || (code >= ownCodes.from && code <= ownCodes.to);
    this.#socket.close(isOwn ? code : ownCodes.normal, shortened(text));
  }

  /** A page can't cut a connection: the handshake is begun, and what comes by it is told to nobody. */
  terminate(): void {
    if (this.#closed) return;
    this.#socket.close();
    queueMicrotask(() => this.#close(brokenCode, 'it was ended'));
  }

  #message(data: unknown): void {
    if (this.#closed) return;
    if (data instanceof ArrayBuffer) {
      this.#handlers.received(new Uint8Array(data));
      return;
    }
    this.#socket.close();
    this.#close(refusedDataCode, 'a text message came');
  }

  #close(code: number, text: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handlers.closed({ code, text });
  }
}

/** A longer reason would be refused by an exception. */
function shortened(text: string): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= mostReasonBytes) return text;
  return new TextDecoder().decode(bytes.subarray(0, mostReasonBytes)).replace(/\uFFFD+$/u, '');
}

/** A socket for an address that the browser refuses to try. */
function neverOpened(cause: unknown, handlers: SocketHandlers): Socket {
  const text = cause instanceof Error ? cause.message : 'the address was refused';
  queueMicrotask(() => handlers.closed({ code: brokenCode, text }));
  return { bufferedBytes: 0, send: () => undefined, close: () => undefined, terminate: () => undefined };
}
