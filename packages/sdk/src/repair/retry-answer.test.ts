import { Content, uuidToText } from '@sotto/proto';
import { beforeEach, describe, expect, it } from 'vitest';
import { receivingDevice } from '../../test/receiving-device.ts';
import { meetDevice, type TestDevice, testDevice } from '../../test/test-device.ts';
import { peerLock } from '../crypto/ratchet.ts';
import type { DeviceId, MessageId } from '../ports/ids.ts';
import { longestChain, type RetryAnswer, RetryAnswerer } from './retry-answer.ts';

const hour = 3_600_000;
const first = '00000000-0000-4000-8000-000000000001' as MessageId;

let alice: TestDevice;
let bob: TestDevice;
let answerer: RetryAnswerer;

beforeEach(async () => {
  [alice, bob] = [await testDevice(), await testDevice()];
  await meetDevice(alice, bob);
  const { receipts } = receivingDevice(alice);
  answerer = new RetryAnswerer({ store: alice.store, receipts, origin: alice.origin });
});

/** Bob asks for something that is no message of the history. */
function ask(messageId: MessageId): Promise<RetryAnswer> {
  const deviceId = alice.account.deviceId as DeviceId;
  const request = { deviceId, messageId, ratchetKey: undefined, number: 1 };
  return alice.executor.run([peerLock(bob.account.userId)], (overlay) =>
    answerer.answer(overlay, bob.address, request, { now: alice.clock.now(), relayNow: alice.clock.now() }),
  );
}

/** The latest answer, and what it says will not come. */
function latestAnswer(): { readonly id: MessageId; readonly replaces: readonly string[] } {
  const row = [...alice.disk.tables.outbox.values()].filter(({ kind }) => kind === 'content').at(-1);
  if (row === undefined) throw new Error('nothing was answered');
  return { id: row.messageId, replaces: Content.decode(row.content).replaces.map(uuidToText) };
}

/** Each answer is asked for in its turn; gives the ids that were asked for. */
async function askInAChain(links: number): Promise<MessageId[]> {
  const asked: MessageId[] = [];
  for (let id = first; asked.length < links; id = latestAnswer().id) {
    if (asked.length % 8 === 0) alice.clock.advance(hour);
    expect(await ask(id)).toBe('replaced');
    asked.push(id);
  }
  return asked;
}

describe('an answer in place of what is no message of the history', () => {
  it('stands for what was asked for, and for what that stood for', async () => {
    const asked = await askInAChain(3);
    expect(latestAnswer().replaces).toEqual(asked.toReversed());
  });

  it('stands for the same when it is asked for a second and a third time, and not a fourth', async () => {
    const asked = await askInAChain(3);
    const last = asked.at(-1) ?? first;
    for (let times = 2; times <= 3; times++) {
      expect(await ask(last)).toBe('replaced');
      expect(latestAnswer().replaces).toEqual(asked.toReversed());
    }
    expect(await ask(last)).toBe('too-often');
  });

  it('of a device that asks for each answer in its turn stands for the newest of them', async () => {
    const asked = await askInAChain(3 * longestChain);
    expect(latestAnswer().replaces).toEqual(asked.toReversed().slice(0, longestChain));
    const kept = [...alice.disk.tables.resend.values()].map(({ replaces }) => replaces.length);
    expect(Math.max(...kept)).toBe(longestChain);
  });

  it('leaves nothing behind of what can not be asked for again', async () => {
    const [, second = first] = await askInAChain(2);
    for (let times = 2; times <= 3; times++) await ask(second);
    const { userId, deviceId } = bob.address;
    const record = await alice.store.get('resend', { messageId: second, userId, deviceId });
    expect(record).toMatchObject({ count: 3, replaces: [] });
  });
});
