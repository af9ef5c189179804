import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ScriptedStream, scriptedStream } from '../../test/scripted-stream.ts';
import { until } from '../../test/turn-of-events.ts';
import type { SocketHandlers } from '../ports/socket.ts';
import { socketsOfBrowser } from './sockets.browser.ts';

// Node has the same WebSocket as browsers; in browsers themselves it is tried by the pages of tests/browser.

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

describe('socketsOfBrowser', () => {
  let server: ScriptedStream;
  let told: Told;
  const open = (url = server.url, protocols: readonly string[] = []) =>
    socketsOfBrowser().open({ url, headers: {}, protocols }, told);

  beforeEach(async () => {
    server = await scriptedStream();
    server.onOpen(() => undefined);
    told = new Told();
  });
  afterEach(() => server[Symbol.asyncDispose]());

  it('asks for a ticket, and opens with it as a subprotocol; carries bytes both ways; closes', async () => {
    expect(socketsOfBrowser().credential).toBe('ticket');
    const socket = open(server.url, ['sotto.v1', 'sotto.ticket.abc']);
    await until(() => told.calls.length === 1);
    const [stream] = server.streams;
    expect(stream?.request.headers['sec-websocket-protocol']?.split(/, ?/)).toEqual(['sotto.v1', 'sotto.ticket.abc']);
    stream?.socket.send(Uint8Array.of(1, 2, 3));
    await until(() => told.messages.length === 1);
    expect(told.messages[0]).toEqual(Uint8Array.of(1, 2, 3));
    const came: Uint8Array[] = [];
    stream?.socket.on('message', (data) => came.push(new Uint8Array(data as Buffer)));
    // A part of a larger block (an unknown field): nothing of what stands around it goes out.
    socket.send(Uint8Array.of(9, 120, 5, 9).subarray(1, 3));
    await until(() => came.length === 1);
    expect(came).toEqual([Uint8Array.of(120, 5)]);
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

  it('closes with a code and a text that a page may use, whatever it is given', async () => {
    const socket = open();
    await until(() => told.calls.length === 1);
    socket.close(1008, 'é'.repeat(200));
    await until(() => server.streams[0]?.closedWith !== undefined);
    expect(server.streams[0]?.closedWith).toBe(1000);
  });

  it.each([401, 503])('closes when the upgrade is refused with status %i', async (status) => {
    server.refuse(status);
    open();
    await until(() => told.end !== undefined);
    expect(told.end).toMatchObject({ code: 1006 });
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

  it('ends while it opens, and when it is open', async () => {
    const opening = open();
    opening.send(Uint8Array.of(1));
    opening.terminate();
    await until(() => told.end !== undefined);
    expect(told.calls).toEqual(['closed']);
    told = new Told();
    const socket = open();
    await until(() => told.calls.length === 1);
    socket.terminate();
    await until(() => told.end !== undefined);
    expect(told.calls).toEqual(['opened', 'closed']);
  });

  it('does not take text', async () => {
    open();
    await until(() => told.calls.length === 1);
    server.streams[0]?.socket.send('text');
    await until(() => told.end !== undefined);
    expect(told.end).toMatchObject({ code: 1003 });
    expect(told.messages).toEqual([]);
  });
});
