import { describe, expect, it } from 'vitest';
import { ManualTime } from '../../test/manual-time.ts';
import { chatIdOf, userIdOf } from '../../test/numbered-uuid.ts';
import { settled } from '../../test/turn-of-events.ts';
import { chat as chatRecord } from '../conformance/store-cases.ts';
import type { ChatRecord } from '../ports/chat-record.ts';
import type { UserId } from '../ports/ids.ts';
import { forgottenAfter, PresenceSender, refreshEvery, toldAtMostEvery } from './presence-sender.ts';

function chat(number: number, accepted = true): ChatRecord {
  return chatRecord(number, { id: chatIdOf(number), userId: userIdOf(number), accepted });
}

/** Moves on, and lets what is due come to its end. */
async function pass(time: ManualTime, ms: number): Promise<void> {
  time.advance(ms);
  await settled();
}

function sender(chats: readonly ChatRecord[] = [chat(1), chat(2)]) {
  const time = new ManualTime();
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
    clock: time,
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
    await settled();
    expect(told.splice(0)).toEqual(['1 on?', '2 on?']);
    await pass(time, refreshEvery);
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
      await settled();
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
    await settled();
    told.length = 0;
    for (let round = 0; round < 20; round++) presence.asked(userIdOf(1));
    presence.asked(userIdOf(9));
    expect(told).toEqual(['1 on', '9 on']);
    await pass(time, toldAtMostEvery);
    presence.asked(userIdOf(1));
    expect(told).toEqual(['1 on', '9 on', '1 on']);
    await presence.stop();
    expect(told.slice(3).sort()).toEqual(['1 off', '9 off']);
  });

  it('tells the latest 50 who were accepted, and forgets the others', async () => {
    const chats = [chat(1, false), ...Array.from({ length: 80 }, (_, at) => chat(at + 2))];
    const { time, told, limits, presence } = sender(chats);
    presence.setLive(true);
    await settled();
    expect(told).toHaveLength(49);
    expect(told).not.toContain('1 on?');
    expect(limits).toEqual([50]);
    chats.length = 2;
    for (let passed = 0; passed < forgottenAfter; passed += refreshEvery) await pass(time, refreshEvery);
    told.length = 0;
    await presence.stop();
    expect(told).toEqual(['2 off']);
  });

  it('tells whoever still believes it when it goes, whichever way they were told', async () => {
    const chats = [chat(1)];
    const { time, told, presence } = sender(chats);
    presence.setLive(true);
    presence.asked(userIdOf(1));
    await settled();
    await pass(time, 2 * refreshEvery);
    // From here on 1 is not among the latest; the answer is too old to be believed, what was told last is not.
    chats.length = 0;
    presence.asked(userIdOf(2));
    await pass(time, refreshEvery);
    told.length = 0;
    await presence.stop();
    expect(told.sort()).toEqual(['1 off', '2 off']);
  });
});
