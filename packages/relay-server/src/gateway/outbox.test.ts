import { ServerFrames } from '@sotto/proto';
import { expect, it } from 'vitest';
import { RecordingTracer } from '../adapters/memory/tracer.ts';
import { Outbox } from './outbox.ts';

function setUp() {
  const messages: number[] = [];
  const tracer = new RecordingTracer();
  const socket = { send: (bytes: Uint8Array) => messages.push(ServerFrames.decode(bytes).frames.length) };
  return { outbox: new Outbox(socket, tracer, () => undefined), messages, tracer };
}

it('sends all frames of a turn in one message, and then its steps are reached', async () => {
  const { outbox, messages, tracer } = setUp();
  outbox.queue({ queueEmpty: {} }, 4);
  outbox.queue({ sendResult: {} }, 100, 'send.result.sent');
  expect(messages).toEqual([]);
  expect(tracer.steps).toEqual([]);
  await new Promise(setImmediate);
  expect(messages).toEqual([2]);
  expect(tracer.steps).toEqual(['send.result.sent']);
  await new Promise(setImmediate);
  expect(messages).toEqual([2]);
});

it('begins another message at 64 KiB, and lets a larger frame go alone', async () => {
  const { outbox, messages } = setUp();
  for (let queued = 0; queued < 5; queued++) outbox.queue({ deliver: {} }, 30_000);
  outbox.queue({ deliver: {} }, 300_000);
  outbox.queue({ deliver: {} }, 10);
  await new Promise(setImmediate);
  expect(messages).toEqual([2, 2, 1, 1, 1]);
  expect(outbox.bytes).toBe(0);
});
