import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

// The baseline of the relay's bench: a process that sends every WebSocket message back, and does nothing else.

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
server.on('connection', (socket) => {
  socket.on('message', (data) => socket.send(data, { binary: true }));
});
server.on('listening', () => {
  process.send?.((server.address() as AddressInfo).port);
});
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
