import type { Duplex } from 'node:stream';
import type { Socket, SocketHandlers } from '@sotto/sdk/ports';
import WebSocket from 'ws';
import { inNextTurn } from '../platform/event-loop-turn.ts';
import type { LineView } from './line-view.ts';
import { MessagePipe } from './message-pipe.ts';
import type { Direction } from './network-fault.ts';

const broken = 1006;

/** One stream of a client: a real WebSocket over a connection in memory, with the line between it and the client. */
export class LineSocket implements Socket {
  readonly #line: LineView;
  readonly #handlers: SocketHandlers;
  readonly #onClosed: () => void;
  readonly #up: MessagePipe;
  readonly #down: MessagePipe;
  readonly #began: () => void;
  readonly #connection: Duplex | undefined;
  readonly #socket: WebSocket | undefined;
  #detached = false;
  #closed = false;
  #status: number | undefined;

  constructor(
    line: LineView,
    target: { readonly headers: Readonly<Record<string, string>>; readonly protocols: readonly string[] },
    handlers: SocketHandlers,
    onClosed: () => void,
  ) {
    this.#line = line;
    this.#handlers = handlers;
    this.#onClosed = onClosed;
    this.#up = this.#pipe('up', (message) => this.#socket?.send(message, { binary: true }, ignoreClosing));
    this.#down = this.#pipe('down', (message) => handlers.received(message));
    const { port, activity, remoteAddress } = line.parts;
    this.#began = activity.begin();
    if (line.state === 'half-open') {
      // It never opens, and nobody says so.
      this.#detached = true;
      this.#began();
      return;
    }
    const connection = line.state === 'up' ? port.connect(remoteAddress) : undefined;
    if (connection === undefined) {
      inNextTurn(() => this.#close(broken, 'there is no connection'));
      return;
    }
    this.#connection = connection;
    this.#socket = this.#dial(connection, target);
  }

  get bufferedBytes(): number {
    return this.#up.bytes;
  }

  send(bytes: Uint8Array): void {
    if (this.#closed || this.#detached || this.#socket?.readyState !== WebSocket.OPEN) return;
    // The sender may use its buffer again.
    this.#up.push(bytes.slice());
  }

  close(code: number, text: string): void {
    if (this.#detached) return;
    this.#up.flush();
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.close(code, text);
    else this.break();
  }

  terminate(): void {
    // The other side of a connection that was detached learns of nothing.
    if (!this.#detached) this.#connection?.destroy();
    this.#close(broken, 'the client ended the connection');
  }

  /** The connection breaks: both sides are told. */
  break(): void {
    this.#connection?.destroy();
    this.#close(broken, 'the connection broke');
  }

  /** The connection breaks for the other side; nobody is at this one. */
  forget(): void {
    this.#closed = true;
    if (!this.#detached) this.#connection?.destroy();
    this.detach();
  }

  /** From now on nothing passes. */
  detach(): void {
    this.#detached = true;
    this.#up.end();
    this.#down.end();
    this.#began();
  }

  /** What is on its way arrives; a connection that was detached breaks. */
  heal(): void {
    if (this.#detached) this.break();
    else {
      this.#up.flush();
      this.#down.flush();
    }
  }

  #pipe(direction: Direction, deliver: (message: Uint8Array) => void): MessagePipe {
    const line = this.#line;
    return new MessagePipe(
      {
        fate: () => line.fateOf(direction),
        delayMs: () => line.delayOf(direction),
        after: (ms, run) => line.parts.time.timers.after(ms, run),
        lost: () => this.break(),
      },
      deliver,
    );
  }

  #dial(connection: Duplex, { headers, protocols }: ConstructorParameters<typeof LineSocket>[1]): WebSocket {
    const socket = new WebSocket('ws://relay.test/v1/stream', [...protocols], {
      headers: { ...headers },
      perMessageDeflate: false,
      createConnection: () => connection as never,
    });
    socket.on('open', () => {
      this.#began();
      if (!this.#closed && !this.#detached) this.#handlers.opened();
    });
    socket.on('message', (data) => {
      if (this.#closed || this.#detached) return;
      this.#down.push(wholeOf(data));
    });
    socket.on('unexpected-response', (_request, response) => {
      this.#status = response.statusCode ?? 0;
      response.destroy();
      socket.terminate();
    });
    // 'close' follows each error, and says what there is to say.
    socket.on('error', () => connection.destroy());
    socket.on('close', (code, reason) => {
      if (this.#detached) return;
      this.#down.flush();
      this.#close(code, reason.toString());
    });
    return socket;
  }

  #close(code: number, text: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#began();
    this.#up.end();
    this.#down.end();
    this.#onClosed();
    this.#line.parts.activity.note();
    this.#handlers.closed({ code, text, ...(this.#status === undefined ? {} : { status: this.#status }) });
  }
}

/** A write that failed ends the connection, and its end is told. */
function ignoreClosing(): void {
  // Nothing to do.
}

/** A copy: `ws` may use its buffer again. */
function wholeOf(data: WebSocket.RawData): Uint8Array {
  if (Array.isArray(data)) return new Uint8Array(Buffer.concat(data));
  return new Uint8Array(data instanceof ArrayBuffer ? data.slice(0) : data);
}
