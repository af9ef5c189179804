import { describe, expect, it } from 'vitest';
import { type HandledOutcome, HandledRequests } from './handled-requests.ts';
import { RequestRoom } from './request-room.ts';

/** Lets every microtask run. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function desk(handler: () => Promise<Uint8Array>) {
  const timers: number[] = [];
  const outcomes: (readonly [number, HandledOutcome['status']])[] = [];
  const room = new RequestRoom(2, 10);
  const requests = new HandledRequests({
    from: 'one:1/a',
    timers: {
      after: (ms) => {
        timers.push(ms);
        return () => undefined;
      },
      every: () => () => undefined,
    },
    room,
    mostAnswerBytes: 3,
    handler: () => handler,
    answer: (id, { status }, left) => {
      outcomes.push([id, status]);
      left();
    },
    onSettled: () => undefined,
  });
  return { timers, outcomes, room, requests };
}

describe('requests that are handled', () => {
  it('have no timer that would run at once because it is too long', async () => {
    const { timers, requests } = desk(async () => new Uint8Array());
    requests.take(1, new Uint8Array(), 0xffff_ffff);
    requests.take(2, new Uint8Array(), 30_000);
    expect(timers).toEqual([2_147_483_647, 30_000]);
  });

  it('give their room back whatever becomes of them', async () => {
    for (const handler of [
      async () => new Uint8Array(3),
      async () => new Uint8Array(4),
      () => Promise.reject(new Error('no')),
      () => {
        throw new Error('no');
      },
    ]) {
      const { room, requests } = desk(handler);
      requests.take(1, new Uint8Array(5), 1_000);
      requests.tell(new Uint8Array(5));
      requests.take(2, new Uint8Array(), 1_000);
      requests.cancel(1);
      await turn();
      expect(room.isEmpty).toBe(true);
      expect(room.take(10)).toBe(true);
    }
  });

  it('answer nothing to who is gone or has given up', async () => {
    const { outcomes, room, requests } = desk(async () => new Uint8Array());
    requests.take(1, new Uint8Array(), 1_000);
    requests.cancel(1);
    requests.take(1, new Uint8Array(), 1_000);
    await turn();
    expect(outcomes).toEqual([[1, 'answered']]);
    requests.take(3, new Uint8Array(), 1_000);
    requests.end();
    await turn();
    expect([outcomes.length, room.isEmpty]).toEqual([1, true]);
  });
});
