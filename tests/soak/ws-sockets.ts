import type { SocketFactory } from '@sotto/sdk/ports';
import { WebSocket } from 'ws';

/** WebSockets by `ws`, as plain as a port can be: what the run wraps around them is what is tried. */
export function wsSockets(): SocketFactory {
  return {
    credential: 'header',
    open(target, handlers) {
      const socket = new WebSocket(target.url, [...target.protocols], {
        headers: { ...target.headers },
        perMessageDeflate: false,
      });
      let status: number | undefined;
      let failure = '';
      socket.on('open', () => handlers.opened());
      socket.on('message', (data: Buffer) => handlers.received(new Uint8Array(data)));
      socket.on('error', (error) => {
        failure = error.message;
      });
      socket.on('unexpected-response', (_request, response) => {
        status = response.statusCode;
        response.destroy();
        socket.terminate();
      });
      socket.on('close', (code, reason) =>
        handlers.closed({
          code,
          text: reason.toString() || failure,
          ...(status === undefined ? {} : { status }),
        }),
      );
      return {
        send: (bytes) => {
          if (socket.readyState !== WebSocket.OPEN) return;
          socket.send(bytes, { binary: true }, (error) => {
            if (error) failure = error.message;
          });
        },
        close: (code, text) => {
          if (socket.readyState === WebSocket.CONNECTING) socket.terminate();
          else socket.close(code, text);
        },
        terminate: () => socket.terminate(),
        get bufferedBytes() {
          return socket.bufferedAmount;
        },
      };
    },
  };
}
