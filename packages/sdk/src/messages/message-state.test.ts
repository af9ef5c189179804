import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { messageRecord } from '../../test/message-record.ts';
import type { ReceiptRecord } from '../ports/message-record.ts';
import { advanced, advances } from './message-state.ts';

const order: readonly ReceiptRecord['state'][] = ['sent', 'expired', 'delivered', 'read'];

describe('the state of an own message', () => {
  it('only goes up, and ends at the highest of its news in whatever order they come', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...order), { minLength: 1, maxLength: 12 }), (news) => {
        let message = messageRecord({ state: 'queued' });
        let receipt: ReceiptRecord | undefined;
        for (const [at, state] of news.entries()) {
          const next = advanced(message, state, at);
          expect(next === undefined).toBe(
            message.state !== 'queued' && order.indexOf(state) <= order.indexOf(message.state as never),
          );
          if (next === undefined) continue;
          expect(next.receipt).toEqual({ messageId: message.id, userId: message.receiverId, state, at });
          ({ message, receipt } = next);
        }
        const highest = Math.max(...news.map((state) => order.indexOf(state)));
        expect(message.state).toBe(order[highest]);
        expect(receipt?.state).toBe(message.state);
      }),
    );
  });

  it('says failed only of what was never accepted, and takes it back when it was', () => {
    expect(advances('queued', 'failed')).toBe(true);
    expect(advances('sent', 'failed')).toBe(false);
    expect(advances('failed', 'sent')).toBe(true);
    expect(advances('failed', 'delivered')).toBe(true);
    const failed = messageRecord({ state: 'failed', failure: 'user-unknown' });
    expect(advanced(failed, 'delivered', 1)?.message).toMatchObject({ state: 'delivered', failure: undefined });
    expect(advances('expired', 'sent')).toBe(false);
    expect(advances('received', 'seen')).toBe(true);
  });

  it('of messages that came, or that went to a group, is not told by receipts', () => {
    for (const state of order) {
      expect(advanced(messageRecord({ state: 'received' }), state, 0)).toBeUndefined();
      expect(advanced(messageRecord({ state: 'seen' }), state, 0)).toBeUndefined();
      expect(advanced(messageRecord({ receiverId: undefined }), state, 0)).toBeUndefined();
    }
  });
});
