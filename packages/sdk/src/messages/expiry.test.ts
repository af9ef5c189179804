import { describe, expect, it } from 'vitest';
import { messageRecord } from '../../test/message-record.ts';
import { messageIdOf, userIdOf } from '../../test/numbered-uuid.ts';
import { type OpenExecutor, openExecutor } from '../../test/open-executor.ts';
import type { MessageRecord } from '../ports/message-record.ts';
import { Expiry, graceAfterExpiry } from './expiry.ts';

const end = 1_000_000;

async function openWith(fields: Partial<MessageRecord>, returnsReceipts: boolean | undefined, count = 1) {
  const open = await openExecutor();
  await open.executor.run([], (overlay) => {
    for (let at = 1; at <= count; at++) {
      overlay.put('message', messageRecord({ id: messageIdOf(at), state: 'sent', expiresAt: end, seq: at, ...fields }));
    }
    if (returnsReceipts === undefined) return;
    overlay.put('user', {
      id: userIdOf(2),
      number: '',
      username: '',
      profileKey: undefined,
      profileKeyAt: undefined,
      avatarHash: undefined,
      returnsReceipts,
      blockedAt: undefined,
      createdAt: 0,
      updatedAt: 0,
    });
  });
  return { ...open, expiry: new Expiry(open) };
}

async function stateOf({ store }: OpenExecutor, number = 1): Promise<string | undefined> {
  return (await store.get('message', { id: messageIdOf(number) }))?.state;
}

describe('a message that the relay deleted without a receipt', () => {
  it('is expired a day after its end, not a millisecond before', async () => {
    const open = await openWith({}, true);
    await open.expiry.mark(end + graceAfterExpiry);
    expect(await stateOf(open)).toBe('sent');
    await open.expiry.mark(end + graceAfterExpiry + 1);
    expect(await stateOf(open)).toBe('expired');
    expect(await open.store.get('receipt', { messageId: messageIdOf(1), userId: userIdOf(2) })).toMatchObject({
      state: 'expired',
    });
    expect(open.published.flat().map(({ fact }) => fact.type)).toEqual(['message.expired']);
  });

  it.each([[false], [undefined]])('to somebody who gives no receipts (%s) stays sent', async (returnsReceipts) => {
    const open = await openWith({}, returnsReceipts, 150);
    await open.expiry.mark(end + graceAfterExpiry + 1);
    expect(await stateOf(open, 150)).toBe('sent');
    expect(await open.store.expiring('sent', Number.MAX_SAFE_INTEGER, 1)).toEqual([]);
    expect(open.published).toEqual([]);
  });

  it.each(['queued', 'delivered', 'read', 'failed', 'received'] as const)(
    'is left alone when it is %s',
    async (state) => {
      const open = await openWith({ state }, true);
      await open.expiry.mark(end * 1_000_000);
      expect(await stateOf(open)).toBe(state);
    },
  );

  it('may be one of many', async () => {
    const open = await openWith({}, true, 350);
    await open.expiry.mark(end + graceAfterExpiry + 1);
    const states = await Promise.all(Array.from({ length: 350 }, (_, at) => stateOf(open, at + 1)));
    expect(new Set(states)).toEqual(new Set(['expired']));
    expect(open.published.flat()).toHaveLength(350);
  });
});
