import WebSocket from 'isomorphic-ws';
import type { Socket, SocketFactory, SocketHandlers } from '../ports/socket.ts';

/** The most bytes of one message: a little over what the relay may send, so that a broken one can't fill the memory. */
const maxPayload = 2 * 1024 * 1024;
const handshakeTimeout = 30_000;
const brokenCode = 1006;
const refusedDataCode = 1003;

/** WebSockets by `ws`, with compression off. Never throws: whatever goes wrong is told by `closed`. */
export function socketsOfNode(): SocketFactory {
  return {
    credential: 'header',
    open(target, handlers) {
      try {
        const socket = new WebSocket(target.url, [...target.protocols], {
          headers: { ...target.headers },
          perMessageDeflate: false,
          followRedirects: false,
          maxPayload,
          handshakeTimeout,
        });
        return new NodeSocket(socket, handlers);
      } catch (cause) {
        return neverOpened(cause, handlers);
      }
    },
  };
}

class NodeSocket implements Socket {
  readonly #socket: WebSocket;
  readonly #handlers: SocketHandlers;
  #closed = false;
  /** What broke it; `close` follows each error. */
  #failure = '';
  #status: number | undefined;

  constructor(socket: WebSocket, handlers: SocketHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    socket.on('open', () => {
      if (!this.#closed) handlers.opened();
    });
    socket.on('message', (data, isBinary) => this.#message(data, isBinary));
    socket.on('error', (error) => {
      this.#failure = error.message;
    });
    socket.on('unexpected-response', (_request, response) => {
      this.#status = response.statusCode ?? 0;
      this.#failure = `the upgrade was answered with status ${this.#status}`;
      response.destroy();
      socket.terminate();
    });
    socket.on('close', (code, reason) => this.#close(code, reason.length > 0 ? reason.toString() : this.#failure));
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(bytes: Uint8Array): void {
    if (this.#closed || this.#socket.readyState !== WebSocket.OPEN) return;
    // A failed write ends the socket, and `close` says so: the callback only keeps it from being thrown.
    this.#socket.send(bytes, { binary: true }, (error) => {
      if (error) this.#failure = error.message;
    });
  }

  close(code: number, text: string): void {
    if (this.#socket.readyState === WebSocket.CONNECTING) this.#socket.terminate();
    else this.#socket.close(code, text);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  #message(data: WebSocket.RawData, isBinary: boolean): void {
    if (this.#closed) return;
    if (!isBinary) {
      this.#socket.terminate();
      this.#close(refusedDataCode, 'a text message came');
      return;
    }
    this.#handlers.received(wholeOf(data));
  }

  #close(code: number, text: string): void {
    if (this.#closed) return;
    this.#closed = true;
    const status = this.#status === undefined ? {} : { status: this.#status };
    this.#handlers.closed({ code, text, ...status });
  }
}

/** `ws` gives one Buffer, unless it was told otherwise. */
function wholeOf(data: WebSocket.RawData): Uint8Array {
  const whole = Array.isArray(data) ? Buffer.concat(data) : data;
  if (whole instanceof ArrayBuffer) return new Uint8Array(whole);
  return new Uint8Array(whole.buffer, whole.byteOffset, whole.byteLength);
}

/** A socket for an address that `ws` refuses to try. */
function neverOpened(cause: unknown, handlers: SocketHandlers): Socket {
  const text = cause instanceof Error ? cause.message : 'the address was refused';
  queueMicrotask(() => handlers.closed({ code: brokenCode, text }));
  return { bufferedBytes: 0, send: () => undefined, close: () => undefined, terminate: () => undefined };
}
