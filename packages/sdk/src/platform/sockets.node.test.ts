import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ScriptedStream, scriptedStream } from '../../test/scripted-stream.ts';
import { until } from '../../test/turn-of-events.ts';
import type { SocketHandlers } from '../ports/socket.ts';
import { socketsOfNode } from './sockets.node.ts';

class Told implements SocketHandlers {
  readonly calls: string[] = [];
  readonly messages: Uint8Array[] = [];
  end: { code: number; text: string; status?: number } | undefined;

  opened() {
    this.calls.push('opened');
  }
  received(bytes: Uint8Array) {
    this.calls.push('received');
    this.messages.push(bytes);
  }
  closed(reason: { code: number; text: string; status?: number }) {
    this.calls.push('closed');
    this.end = reason;
  }
}

describe('socketsOfNode', () => {
  let server: ScriptedStream;
  let told: Told;
  const open = (url = server.url, headers = {}) => socketsOfNode().open({ url, headers, protocols: [] }, told);

  beforeEach(async () => {
    server = await scriptedStream();
    told = new Told();
  });
  afterEach(() => server[Symbol.asyncDispose]());

  it('opens with its headers and without compression, carries bytes, closes', async () => {
    const socket = open(server.url, { authorization: 'Bearer token' });
    await until(() => told.calls.length === 1);
    const [stream] = server.streams;
    expect(stream?.request.headers.authorization).toBe('Bearer token');
    expect(stream?.request.headers['sec-websocket-extensions']).toBeUndefined();
    stream?.socket.send(Uint8Array.of(1, 2, 3));
    await until(() => told.messages.length === 1);
    expect(told.messages[0]).toEqual(Uint8Array.of(1, 2, 3));
    expect(socket.bufferedBytes).toBe(0);
    socket.close(1000, 'done');
    await until(() => told.end !== undefined);
    expect(told.end).toEqual({ code: 1000, text: 'done' });
    socket.send(Uint8Array.of(1));
    socket.close(1000, '');
    socket.terminate();
    expect(told.calls).toEqual(['opened', 'received', 'closed']);
  });

  it('tells the code and the text of the other side', async () => {
    open();
    await until(() => server.streams.length === 1);
    server.streams[0]?.socket.close(4001, 'replaced');
    await until(() => told.end !== undefined);
    expect(told.end).toEqual({ code: 4001, text: 'replaced' });
  });

  it.each([401, 404, 503])('tells the status %i of a refused upgrade', async (status) => {
    server.refuse(status);
    open();
    await until(() => told.end !== undefined);
    expect(told.end).toMatchObject({ code: 1006, status });
    expect(told.calls).toEqual(['closed']);
  });

  it.each([
    ['nobody listens', 'ws://127.0.0.1:1/'],
    ['there is no such host', 'ws://relay.invalid/'],
    ['the address is none', 'ftp://example.org/'],
  ])('closes when %s', async (_, url) => {
    open(url);
    expect(told.calls).toEqual([]);
    await until(() => told.end !== undefined);
    expect(told.end).toMatchObject({ code: 1006 });
    expect(told.calls).toEqual(['closed']);
  });

  it('ends at once while it opens, and when it is open', async () => {
    const opening = open();
    opening.send(Uint8Array.of(1));
    opening.terminate();
    await until(() => told.end !== undefined);
    expect(told.calls).toEqual(['closed']);
    told = new Told();
    const closing = open();
    closing.close(1000, '');
    await until(() => told.end !== undefined);
    expect(told.calls).toEqual(['closed']);
    told = new Told();
    const socket = open();
    await until(() => told.calls.length === 1);
    socket.terminate();
    await until(() => told.end !== undefined);
    expect(told.calls).toEqual(['opened', 'closed']);
  });

  it('does not take text, nor messages without end', async () => {
    open();
    await until(() => told.calls.length === 1);
    server.streams[0]?.socket.send('text');
    await until(() => told.end !== undefined);
    expect(told.end).toMatchObject({ code: 1003 });
    told = new Told();
    open();
    await until(() => told.calls.length === 1);
    server.streams[1]?.socket.send(new Uint8Array(3 * 1024 * 1024));
    await until(() => told.end !== undefined);
    expect(told.messages).toEqual([]);
  });
});
