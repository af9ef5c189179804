import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ClientFrame, ClientFrames, ServerFrames } from '@sotto/proto';
import { type WebSocket, WebSocketServer } from 'ws';

type ServerFrameFields = NonNullable<Parameters<typeof ServerFrames.encode>[0]['frames']>[number];

/** One stream as the relay sees it. */
export interface AcceptedStream {
  readonly socket: WebSocket;
  readonly request: IncomingMessage;
  /** What each WebSocket message held. */
  readonly messages: readonly (readonly ClientFrame[])[];
  /** Sends frames in one WebSocket message. */
  send(...frames: readonly ServerFrameFields[]): void;
  /** Set once the socket is closed. */
  readonly closedWith: number | undefined;
}

/** A WebSocket server on a real port that says hello, or does what the test says. */
export interface ScriptedStream extends AsyncDisposable {
  readonly url: string;
  readonly streams: readonly AcceptedStream[];
  /** How a connection is begun from here on; by default with a hello. */
  onOpen(begin: (stream: AcceptedStream) => void): void;
  /** Upgrades are refused with this status from here on; `undefined` = taken. */
  refuse(status: number | undefined): void;
}

export const hello: ServerFrameFields = {
  hello: {
    protocol: 1,
    serverTime: 1_900_000_000_000,
    idleTimeoutMs: 60_000,
    maxMessageBytes: 1024 * 1024,
    inFlight: 256,
  },
};

export async function scriptedStream(): Promise<ScriptedStream> {
  let status: number | undefined;
  let begin = (stream: AcceptedStream) => stream.send(hello);
  const streams: AcceptedStream[] = [];
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    verifyClient: (_info, answer) => answer(status === undefined, status),
  });
  server.on('connection', (socket, request) => {
    const messages: ClientFrame[][] = [];
    let closedWith: number | undefined;
    const stream: AcceptedStream = {
      socket,
      request,
      messages,
      send: (...frames) => socket.send(ServerFrames.encode({ frames: [...frames] })),
      get closedWith() {
        return closedWith;
      },
    };
    socket.on('message', (data) => {
      if (data instanceof Buffer) messages.push(ClientFrames.decode(new Uint8Array(data)).frames as ClientFrame[]);
      if (messages.length === 1) begin(stream);
    });
    socket.on('close', (code) => {
      closedWith = code;
    });
    streams.push(stream);
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/v1/stream`,
    streams,
    onOpen(next) {
      begin = next;
    },
    refuse(next) {
      status = next;
    },
    async [Symbol.asyncDispose]() {
      for (const client of server.clients) client.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
