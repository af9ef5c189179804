import { MemoryDisk } from '@sotto/sdk';
import type { HeldRecord, MessageRecord } from '@sotto/sdk/ports';
import { describe, expect, it } from 'vitest';
import { GroupWitness } from './group-witness.ts';

const day = 86_400_000;
const now = 100 * day;
const groupId = 'group';

/** Somebody's disk: since which revision they themselves and the other one are members. */
function disk(self: string, members: Readonly<Record<string, number>>, standing = 'member') {
  const made = new MemoryDisk();
  // The witness looks at these fields alone.
  const put = (table: Map<string, unknown>, key: string, row: object) => table.set(key, row);
  put(made.tables.account, 'account', { userId: self });
  put(made.tables.group, groupId, { id: groupId, standing });
  for (const [userId, joinedAt] of Object.entries(members)) {
    put(made.tables.groupMember, `${groupId}.${userId}`, { groupId, userId, joinedAt, leftAt: undefined });
  }
  return { disk: made };
}

describe('a text to a group that its author says has failed', () => {
  const failed = (failure: string) => ({ groupId, failure }) as unknown as MessageRecord;
  const witness = new GroupWitness();

  it('is right only when they were put out since they wrote it', () => {
    const written = witness.joinedAt(disk('ann', { ann: 1, bea: 1 }));
    const stayed = disk('ann', { ann: 1, bea: 3 });
    expect(witness.mayFail(stayed, failed('group-not-member'), written)).toBe(false);
    const cameAnew = disk('ann', { ann: 3, bea: 1 });
    expect(witness.mayFail(cameAnew, failed('group-not-member'), written)).toBe(true);
    expect(witness.mayFail(cameAnew, failed('user-unknown'), written)).toBe(false);
    expect(witness.mayFail(disk('ann', { ann: 1 }, 'removed'), failed('group-not-member'), written)).toBe(true);
    expect(witness.mayFail(cameAnew, { ...failed('group-not-member'), groupId: undefined }, written)).toBe(false);
  });
});

describe('a text to a group that is held', () => {
  const witness = new GroupWitness();
  const held = { groupId, sender: 'ann', messageId: 'm', reason: 'no-sender-key' } as unknown as HeldRecord;

  function author(revision: number, createdAt: number) {
    const ann = disk('ann', { ann: 1, bea: 1 });
    const message = { senderId: 'ann', recipients: 1, revision, createdAt } as unknown as MessageRecord;
    ann.disk.tables.message.set('m', message);
    return ann;
  }

  it('should have been opened by whoever was in when it was sealed first, for 28 days', () => {
    const bea = disk('bea', { ann: 1, bea: 3 });
    expect(witness.isOpenable(bea, held, [author(3, now), bea], now)).toBe(true);
    expect(witness.isOpenable(bea, held, [author(2, now), bea], now)).toBe(false);
    expect(witness.isOpenable(bea, held, [author(3, now - 28 * day), bea], now)).toBe(true);
    expect(witness.isOpenable(bea, held, [author(3, now - 28 * day - 1), bea], now)).toBe(false);
    expect(witness.isOpenable(disk('bea', { ann: 1, bea: 3 }, 'removed'), held, [author(3, now)], now)).toBe(false);
  });
});
