import { describe, expect, it } from 'vitest';
import { chatIdOf, userIdOf } from '../../test/numbered-uuid.ts';
import type { ChatRecord } from '../ports/chat-record.ts';
import type { UserId } from '../ports/ids.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';
import { forgottenAfter, PresenceSender, refreshEvery, toldAtMostEvery } from './presence-sender.ts';

/** Time that the test moves. */
class Time implements Timers {
  private at = 1_000_000;
  private readonly waiting = new Set<{ readonly due: number; readonly run: () => void }>();
  readonly clock = { now: () => this.at };

  after(ms: number, run: () => void): CancelTimer {
    const timer = { due: this.at + ms, run };
    this.waiting.add(timer);
    return () => void this.waiting.delete(timer);
  }

  /** Moves on, and lets what is due come to its end. */
  async advance(ms: number): Promise<void> {
    this.at += ms;
    for (const timer of [...this.waiting]) if (timer.due <= this.at && this.waiting.delete(timer)) timer.run();
    await atRest();
  }

  get pending(): number {
    return this.waiting.size;
  }
}

function atRest(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function chat(number: number, accepted = true): ChatRecord {
  return {
    id: chatIdOf(number),
    userId: userIdOf(number),
    groupId: undefined,
    accepted,
    identityPolicy: undefined,
    nextSeq: 1,
    activity: number,
    lastMessageId: undefined,
    unread: 0,
    readUpTo: { position: 0, seq: 0 },
    createdAt: 0,
    updatedAt: 0,
  };
}

function sender(chats: readonly ChatRecord[] = [chat(1), chat(2)]) {
  const time = new Time();
  const told: string[] = [];
  const failures: unknown[] = [];
  const limits: number[] = [];
  const numberOf = (userId: UserId) => Number.parseInt(userId.slice(-12), 16);
  const presence = new PresenceSender({
    store: {
      chats: async (_, limit) => {
        limits.push(limit);
        return chats.slice(0, limit);
      },
    },
    clock: time.clock,
    timers: time,
    tell: (userId, { online, asks }) => told.push(`${numberOf(userId)} ${online ? 'on' : 'off'}${asks ? '?' : ''}`),
    onFailure: (error) => failures.push(error),
  });
  return { time, told, failures, limits, presence };
}

describe('the sender of presence', () => {
  it('asks when it comes, says it again each minute, and tells all of them when it goes', async () => {
    const { time, told, presence } = sender();
    presence.setLive(true);
    await atRest();
    expect(told.splice(0)).toEqual(['1 on?', '2 on?']);
    await time.advance(refreshEvery);
    expect(told.splice(0)).toEqual(['1 on', '2 on']);
    await presence.stop();
    await presence.stop();
    expect(told).toEqual(['1 off', '2 off']);
    expect(time.pending).toBe(0);
    presence.setLive(false);
    presence.asked(userIdOf(1));
    expect(told).toHaveLength(2);
  });

  it('says nothing while it is not live, and no more than once in a while when it comes and goes', async () => {
    const { time, told, presence } = sender([chat(1)]);
    presence.asked(userIdOf(1));
    for (let round = 0; round < 20; round++) {
      presence.setLive(true);
      await atRest();
      presence.setLive(false);
    }
    expect(told).toEqual(['1 on?']);
    expect(time.pending).toBe(0);
    await presence.stop();
    expect(told).toEqual(['1 on?']);
  });

  it('answers who asks, as often as it tells at most', async () => {
    const { time, told, presence } = sender([chat(1)]);
    presence.setLive(true);
    await atRest();
    told.length = 0;
    for (let round = 0; round < 20; round++) presence.asked(userIdOf(1));
    presence.asked(userIdOf(9));
    expect(told).toEqual(['1 on', '9 on']);
    await time.advance(toldAtMostEvery);
    presence.asked(userIdOf(1));
    expect(told).toEqual(['1 on', '9 on', '1 on']);
    await presence.stop();
    expect(told.slice(3).sort()).toEqual(['1 off', '9 off']);
  });

  it('tells the latest 50 who were accepted, and forgets the others', async () => {
    const chats = [chat(1, false), ...Array.from({ length: 80 }, (_, at) => chat(at + 2))];
    const { time, told, limits, presence } = sender(chats);
    presence.setLive(true);
    await atRest();
    expect(told).toHaveLength(49);
    expect(told).not.toContain('1 on?');
    expect(limits).toEqual([50]);
    chats.length = 2;
    for (let passed = 0; passed < forgottenAfter; passed += refreshEvery) await time.advance(refreshEvery);
    told.length = 0;
    await presence.stop();
    expect(told).toEqual(['2 off']);
  });
});
