import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';

/** Stands between a client and its relay, and can say to the client what the relay never said. */
export class ClientProxy implements AsyncDisposable {
  readonly #target: () => string;
  readonly #server = createServer((asked, answer) => this.#forward(asked, answer));
  readonly #sockets = new WebSocketServer({ noServer: true });
  /** Messages of the relay that went through, latest last. */
  readonly heard: Uint8Array[] = [];
  #client: WebSocket | undefined;

  constructor(target: () => string) {
    this.#target = target;
    this.#server.on('upgrade', (asked, socket, head) => this.#upgrade(asked, socket, head));
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Says this to the client. Resolves when it has taken it, or closed; false when there was nobody to hear it. */
  inject(message: Uint8Array): Promise<boolean> {
    const client = this.#client;
    if (client?.readyState !== WebSocket.OPEN) return Promise.resolve(false);
    client.send(message);
    return new Promise((resolve) => {
      const settle = () => {
        client.off('pong', settle);
        client.off('close', settle);
        resolve(true);
      };
      client.on('pong', settle);
      client.on('close', settle);
      client.ping();
    });
  }

  #forward(asked: IncomingMessage, answer: ServerResponse): void {
    const { method, headers, url = '/' } = asked;
    const onward = request(this.#target() + url, { method, headers }, (came) => {
      answer.writeHead(came.statusCode ?? 502, came.headers);
      came.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    asked.pipe(onward);
  }

  #upgrade(asked: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { authorization = '' } = asked.headers;
    const relay = new WebSocket(this.#target().replace('http', 'ws') + (asked.url ?? ''), {
      headers: { authorization },
    });
    relay.on('error', () => socket.destroy());
    relay.once('open', () => {
      this.#sockets.handleUpgrade(asked, socket, head, (client) => this.#join(client, relay));
    });
  }

  #join(client: WebSocket, relay: WebSocket): void {
    this.#client = client;
    client.on('message', (bytes) => relay.readyState === WebSocket.OPEN && relay.send(bytes as Buffer));
    relay.on('message', (bytes) => {
      this.heard.push(new Uint8Array(bytes as Buffer));
      if (this.heard.length > 50) this.heard.shift();
      client.send(bytes as Buffer);
    });
    for (const [one, other] of [
      [client, relay],
      [relay, client],
    ] as const) {
      one.on('close', () => other.terminate());
      one.on('error', () => one.terminate());
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#sockets.clients) client.terminate();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve, reject) => this.#server.close((error) => (error ? reject(error) : resolve())));
  }
}
