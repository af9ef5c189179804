import { describe, expect, it } from 'vitest';
import { messageRecord } from '../../test/message-record.ts';
import { messageIdOf, userIdOf } from '../../test/numbered-uuid.ts';
import type { GroupId } from '../ports/ids.ts';
import type { ReceiptRecord } from '../ports/message-record.ts';
import { progressOf } from './message-progress.ts';

const receipt = (user: number, state: ReceiptRecord['state'], at: number): ReceiptRecord => ({
  messageId: messageIdOf(1),
  userId: userIdOf(user),
  state,
  at,
});

const inGroup = (recipients: number | undefined) =>
  messageRecord({
    id: messageIdOf(1),
    receiverId: undefined,
    groupId: userIdOf(99) as string as GroupId,
    state: recipients === undefined ? 'queued' : 'sent',
    recipients,
  });

describe('the progress of a message to a group', () => {
  it('names who has read it, then who has it, each in the order in which it was learnt', () => {
    const receipts = [
      receipt(1, 'delivered', 7),
      receipt(2, 'read', 9),
      receipt(3, 'delivered', 5),
      receipt(4, 'read', 6),
      receipt(5, 'sent', 1),
      receipt(6, 'expired', 2),
    ];
    expect(progressOf(inGroup(8), receipts)).toEqual({
      recipients: 8,
      delivered: 4,
      read: 2,
      people: [
        { userId: userIdOf(4), state: 'read', at: 6 },
        { userId: userIdOf(2), state: 'read', at: 9 },
        { userId: userIdOf(3), state: 'delivered', at: 5 },
        { userId: userIdOf(1), state: 'delivered', at: 7 },
      ],
    });
  });

  it('names all of the largest group, and nobody as long as it waits', () => {
    const all = Array.from({ length: 1_023 }, (_, at) => receipt(at, 'read', at));
    const { people, ...counts } = progressOf(inGroup(1_023), all);
    expect(counts).toEqual({ recipients: 1_023, delivered: 1_023, read: 1_023 });
    expect(people.map(({ userId }) => userId)).toEqual(all.map(({ userId }) => userId));
    expect(progressOf(inGroup(undefined), [])).toEqual({ recipients: 0, delivered: 0, read: 0, people: [] });
  });
});
