import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { sourceAddress } from '../load-stream.ts';

/** A TCP connection of one user of the load to a server on this machine. */
export async function userSocket(port: number, user: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: sourceAddress(user), noDelay: true });
  await once(socket, 'connect');
  return socket;
}

/** Calls `ended` when a connection has broken or closed, by whomever: with the cause first. */
export function whenEnded(socket: Socket, server: string, ended: (error: Error) => void): void {
  socket.on('error', ended);
  socket.on('close', () => ended(new Error(`${server} closed a connection`)));
}
