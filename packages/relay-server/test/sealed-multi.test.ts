import { randomBytes } from 'node:crypto';
import { sealedSenderMultiRecipientMessageForSingleRecipient } from '@signalapp/libsignal-client';
import SealedSenderMultiRecipientMessage from '@signalapp/libsignal-client/dist/SealedSenderMultiRecipientMessage.js';
import { CiphertextKind, Envelope, RecipientStatus, type SealedMultiSendFields, uuidToBytes } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import type { DeviceId, UserId } from '../src/ports/ids.ts';
import { open, refusal } from './raw-client.ts';
import { multiMessage } from './raw-multi.ts';
import { outcomesOf, postMulti, registerWithKey, resultsOf, type SealedAccount } from './raw-sealed.ts';
import { startRelay, storeKinds, type TestRelay } from './test-relay.ts';

const {
  RECIPIENT_STATUS_ACCEPTED: accepted,
  RECIPIENT_STATUS_DEVICES_CHANGED: changed,
  RECIPIENT_STATUS_SEALED_REFUSED: refused,
  RECIPIENT_STATUS_RATE_LIMITED: limited,
} = RecipientStatus;

function register(relay: TestRelay, count: number): Promise<SealedAccount[]> {
  return Promise.all(Array.from({ length: count }, (_, at) => registerWithKey(relay, `+1415555${1_000 + at}`)));
}

/** One message to the one device of each account. */
async function sendTo(to: readonly SealedAccount[], changes: Partial<SealedMultiSendFields> = {}) {
  const targets = to.map(({ keys }) => ({ keys, deviceId: 1, registrationId: keys.registrationId }));
  const recipients = to.map(({ keys, accessKey }) => ({
    userId: uuidToBytes(keys.userId),
    accessKey,
    deviceListVersion: 1,
  }));
  const message = await multiMessage(targets);
  const send = { sendId: randomBytes(16), suite: 1, attempt: 1, recipients, ...changes };
  return { ...send, message };
}

async function statusesOf(relay: TestRelay, send: SealedMultiSendFields): Promise<unknown[]> {
  const [result] = await resultsOf(postMulti(relay, send));
  return (result?.recipients ?? []).map(({ status }) => status);
}

async function mailOf(relay: TestRelay, account: SealedAccount): Promise<Envelope[]> {
  const stream = await open(relay, account);
  await stream.next('queueEmpty');
  const count = stream.kinds.filter((kind) => kind === 'deliver').length;
  const mail = await stream.take('deliver', count);
  await stream.close();
  return mail.map(({ envelope }) => Envelope.decode(envelope ?? new Uint8Array()));
}

describe.each(storeKinds)('a sealed message to many on %s stores', (stores) => {
  it('is what libsignal makes of it for each, and is kept once', async () => {
    await using relay = await startRelay({ stores });
    const people = await register(relay, 5);
    const send = await sendTo(people, { ttlSeconds: 3_600, urgent: true });
    expect(await statusesOf(relay, send)).toEqual(people.map(() => accepted));
    const parsed = new SealedSenderMultiRecipientMessage(new Uint8Array(send.message));
    for (const person of people) {
      const recipient = parsed.recipientsByServiceIdString()[person.keys.userId];
      if (recipient === undefined) throw new Error('libsignal finds no such recipient');
      const [envelope, ...others] = await mailOf(relay, person);
      expect(others).toEqual([]);
      expect(envelope).toMatchObject({ suite: 1, attempt: 1, urgent: true, recipientDevice: 1, senderDevice: 0 });
      expect(envelope?.kind).toBe(CiphertextKind.CIPHERTEXT_KIND_SEALED);
      const { ciphertext, senderUser, messageId, groupId, recipientUser } =
        envelope ?? Envelope.decode(new Uint8Array());
      expect([senderUser.length, messageId.length, groupId.length]).toEqual([0, 0, 0]);
      expect(Buffer.from(recipientUser)).toEqual(Buffer.from(uuidToBytes(person.keys.userId)));
      expect(Buffer.from(ciphertext)).toEqual(Buffer.from(parsed.messageForRecipient(recipient)));
      expect((envelope?.expiresAt ?? 0) - (envelope?.acceptedAt ?? 0)).toBe(3_600_000);
    }
  });

  it('for one is what libsignal makes of it', async () => {
    await using relay = await startRelay({ stores });
    const [bob] = await register(relay, 1);
    if (bob === undefined) throw new Error('nobody is registered');
    const send = await sendTo([bob]);
    expect(await statusesOf(relay, send)).toEqual([accepted]);
    const [envelope] = await mailOf(relay, bob);
    const whole = sealedSenderMultiRecipientMessageForSingleRecipient(new Uint8Array(send.message));
    expect(Buffer.from(envelope?.ciphertext ?? [])).toEqual(Buffer.from(whole));
  });

  it('reaches the others of whoever is not let in, has other devices, or is over the limit  [security: sealed-sends]', async () => {
    const config = { limits: { sealedPerKey: { burst: 2, refillMs: 1_000 } } };
    await using relay = await startRelay({ stores, config });
    const people = await register(relay, 4);
    const [wrong, other, busy, fine] = people;
    if (!wrong || !other || !busy || !fine) throw new Error('four were to register');
    for (let sent = 0; sent < 2; sent++) await statusesOf(relay, await sendTo([busy]));
    const send = await sendTo(people);
    const recipients = (send.recipients ?? []).map((recipient, at) => {
      if (at === 0) return { ...recipient, accessKey: randomBytes(16) };
      return at === 1 ? { ...recipient, deviceListVersion: 2 } : recipient;
    });
    const [result] = await resultsOf(postMulti(relay, { ...send, recipients }));
    expect(result?.recipients).toMatchObject([
      { status: refused },
      { status: changed },
      { status: limited, retryAfterMs: 1_000 },
      { status: accepted },
    ]);
    expect(result?.recipients?.[1]?.deviceList?.list?.length).toBeGreaterThan(0);
    expect((await mailOf(relay, fine)).length).toBe(1);
    // The same once more with what was wrong mended: those who have it do not get it again.
    relay.time.jump(10_000);
    expect(await statusesOf(relay, send)).toEqual([accepted, accepted, accepted, accepted]);
    expect(await Promise.all(people.map(async (person) => (await mailOf(relay, person)).length))).toEqual([1, 1, 3, 1]);
    // In a request of more the first alone has lists.
    relay.time.jump(10_000);
    const twice = [1, 2].map(() => ({ ...send, recipients, sendId: randomBytes(16) }));
    const shown = (await resultsOf(postMulti(relay, ...twice))).map((one) => one.recipients?.[1]);
    expect(shown.map((one) => one?.status)).toEqual([changed, changed]);
    expect(shown.map((one) => Boolean(one?.deviceList))).toEqual([true, false]);
  });

  it('is stored once, whatever happens meanwhile', async () => {
    await using relay = await startRelay({ stores });
    const people = await register(relay, 3);
    const send = await sendTo(people);
    const [first] = await resultsOf(postMulti(relay, send));
    relay.time.jump(5_000);
    const [again] = await resultsOf(postMulti(relay, send));
    expect(again).toEqual(first);
    for (const person of people) expect((await mailOf(relay, person)).length).toBe(1);
  });

  it('and more of them in one request, are stored at once, in their order, and once', async () => {
    await using relay = await startRelay({ stores });
    const people = await register(relay, 3);
    const sends = await Promise.all(Array.from({ length: 20 }, (_, at) => sendTo(people, { attempt: at + 1 })));
    const results = await resultsOf(postMulti(relay, ...sends));
    expect(results.map(({ sendId }) => sendId)).toEqual(sends.map(({ sendId }) => new Uint8Array(sendId ?? [])));
    relay.time.jump(5_000);
    // Some of them come again, with others behind them.
    const more = await sendTo(people, { attempt: 21 });
    const again = await resultsOf(postMulti(relay, ...sends.slice(10), more));
    expect(again.slice(0, 10)).toEqual(results.slice(10));
    for (const person of people) {
      expect((await mailOf(relay, person)).map(({ attempt }) => attempt)).toEqual(
        Array.from({ length: 21 }, (_, at) => at + 1),
      );
    }
  });

  it('goes on behind one that somebody is not given, and not behind one that is refused whole  [security: sealed-sends]', async () => {
    await using relay = await startRelay({ stores });
    const people = await register(relay, 3);
    const [first, second, third, fourth] = await Promise.all(
      people
        .concat(people)
        .slice(0, 4)
        .map(() => sendTo(people)),
    );
    if (!first || !second || !third || !fourth) throw new Error('four were to be made');
    const wrongFor = (count: number, send: typeof first) => ({
      ...send,
      recipients: (send.recipients ?? []).map((one, at) => (at < count ? { ...one, accessKey: randomBytes(16) } : one)),
    });
    const results = await resultsOf(postMulti(relay, wrongFor(1, first), second, wrongFor(3, third), fourth));
    expect(
      results.map((result) => result.refused?.code ?? (result.recipients ?? []).map(({ status }) => status)),
    ).toEqual([[refused, accepted, accepted], [accepted, accepted, accepted], 'sealed-refused', 'superseded']);
    expect(await Promise.all(people.map(async (person) => (await mailOf(relay, person)).length))).toEqual([1, 2, 2]);
    // Mended, all of them are taken, and nobody has one twice.
    expect(await outcomesOf(postMulti(relay, first, second, third, fourth))).toEqual(Array(4).fill(accepted));
    expect(await Promise.all(people.map(async (person) => (await mailOf(relay, person)).length))).toEqual([4, 4, 4]);
    // None behind one for nobody.
    expect(await refusal(postMulti(relay, wrongFor(3, await sendTo(people)), await sendTo(people)))).toMatchObject({
      status: 401,
      code: 'sealed-refused',
    });
    expect(await Promise.all(people.map(async (person) => (await mailOf(relay, person)).length))).toEqual([4, 4, 4]);
  });

  it('counts whole against each quota', async () => {
    await using relay = await startRelay({ stores });
    const people = await register(relay, 2);
    const send = await sendTo(people);
    await statusesOf(relay, send);
    for (const { keys } of people) {
      const device = { userId: keys.userId as UserId, deviceId: 1 as DeviceId };
      const { bytes, strangerCount } = await relay.stores.mailbox.usage(device);
      expect([bytes > 600, strangerCount]).toEqual([true, 0]);
    }
  });
});

describe('the form of a sealed message to many', () => {
  it('is refused whole when no key is right, alike for a wrong key and no account  [security: sealed-sends]', async () => {
    await using relay = await startRelay();
    const people = await register(relay, 2);
    const send = await sendTo(people);
    const recipients = (send.recipients ?? []).map((recipient) => ({ ...recipient, accessKey: randomBytes(16) }));
    const strangers = people.map(({ keys, accessKey, ...rest }) => ({
      ...rest,
      accessKey,
      keys: { ...keys, userId: keys.userId.replace(/^../, keys.userId.startsWith('00') ? '01' : '00') },
    }));
    const told = [
      await refusal(postMulti(relay, { ...send, recipients })),
      await refusal(postMulti(relay, await sendTo(strangers))),
    ];
    expect(told[0]).toMatchObject({ status: 401, code: 'sealed-refused' });
    expect(told[1]).toEqual(told[0]);
  });

  it('costs its address by the number of those whom it is for, right keys or not  [security: sealed-sends]', async () => {
    const config = { limits: { sealedPerAddress: { burst: 9, refillMs: 1_000 } } };
    await using relay = await startRelay({ config });
    const [person] = await register(relay, 1);
    if (person === undefined) throw new Error('one was to register');
    const few = { ...(await sendTo([person])), sendId: randomBytes(16) };
    const many = (count: number) => ({
      ...few,
      recipients: Array.from({ length: count }, () => ({ userId: randomBytes(16), accessKey: randomBytes(16) })),
    });
    // 9 left, then 5, of which this takes one, and is refused.
    expect(await refusal(postMulti(relay, many(64)))).toMatchObject({ code: 'request-malformed' });
    expect(await refusal(postMulti(relay, many(81)))).toMatchObject({ status: 429, code: 'rate-limited' });
    expect(await statusesOf(relay, few)).toEqual([accepted]);
    // What stands in the message counts as well.
    relay.time.jump(10_000);
    const claims = (count: number) => {
      const message = Uint8Array.from(few.message);
      return { ...few, message: Uint8Array.from([0x23, (count & 0x7f) | 0x80, count >> 7, ...message.subarray(2)]) };
    };
    expect(await refusal(postMulti(relay, claims(1_025)))).toMatchObject({ code: 'request-malformed' });
    expect(await refusal(postMulti(relay, claims(144)))).toMatchObject({ status: 429, code: 'rate-limited' });
    // However many it is for, it gets through when the bucket is full.
    relay.time.jump(10_000);
    expect(await refusal(postMulti(relay, many(128)))).toMatchObject({ code: 'request-malformed' });
  });

  it('costs its address by each message of a request: what is over the limit waits, with all behind it  [security: sealed-sends]', async () => {
    const config = {
      limits: { sealedPerAddress: { burst: 60, refillMs: 1_000 }, sealedPerKey: { burst: 4, refillMs: 1_000 } },
    };
    await using relay = await startRelay({ config });
    const [person] = await register(relay, 1);
    if (person === undefined) throw new Error('one was to register');
    const sends = await Promise.all(Array.from({ length: 6 }, () => sendTo([person])));
    // What one key may take is counted by message, too: whoever is over it misses those.
    expect(await outcomesOf(postMulti(relay, ...sends))).toEqual([
      accepted,
      accepted,
      accepted,
      accepted,
      limited,
      limited,
    ]);
    relay.time.jump(100_000);
    const [few] = sends;
    if (few === undefined) throw new Error('six were to be made');
    // As many as the address may ask for, in names that nobody has: the message costs before anything of it is read.
    const claims = (count: number) => ({
      ...few,
      sendId: randomBytes(16),
      message: Uint8Array.from([0x23, (count & 0x7f) | 0x80, count >> 7, ...few.message.subarray(2)]),
    });
    const fresh = await Promise.all([sendTo([person]), sendTo([person])]);
    const outcomes = await resultsOf(postMulti(relay, few, ...fresh, claims(1_024), few));
    expect(outcomes.map(({ refused: why, recipients }) => why?.code ?? recipients?.[0]?.status)).toEqual([
      accepted,
      accepted,
      accepted,
      'rate-limited',
      'superseded',
    ]);
    expect(outcomes[3]?.refused?.retryAfterMs).toBeGreaterThan(0);
  });

  it('is at most so many messages, to so many', async () => {
    await using relay = await startRelay();
    const [person] = await register(relay, 1);
    if (person === undefined) throw new Error('one was to register');
    const few = await sendTo([person]);
    const many = {
      ...few,
      recipients: Array.from({ length: 1_000 }, () => ({ userId: randomBytes(16), accessKey: randomBytes(16) })),
    };
    const wrong = [[], Array(129).fill(few), Array(5).fill(many), [few, { ...few, message: randomBytes(500) }]];
    for (const sends of wrong) {
      expect(await refusal(postMulti(relay, ...sends))).toMatchObject({ code: 'request-malformed' });
    }
    expect(await mailOf(relay, person)).toEqual([]);
  });

  it('is checked, with advice', async () => {
    await using relay = await startRelay();
    const people = await register(relay, 3);
    const send = await sendTo(people);
    const [first, second] = send.recipients ?? [];
    if (!first || !second) throw new Error('three were to register');
    const wrong: Partial<SealedMultiSendFields>[] = [
      { message: new Uint8Array() },
      { message: randomBytes(500) },
      { message: send.message.subarray(0, 100) },
      { message: send.message.map((byte, at) => (at === 0 ? byte ^ 1 : byte)) },
      { message: new Uint8Array(256 * 1_024 + 1) },
      { recipients: [] },
      { recipients: [first, second] },
      { recipients: [first, second, second] },
      { recipients: [...(send.recipients ?? []), { ...first, userId: randomBytes(16) }] },
      { sendId: randomBytes(8) },
      { suite: 0 },
    ];
    for (const changes of wrong) {
      expect(await refusal(postMulti(relay, { ...send, ...changes }))).toMatchObject({ code: 'request-malformed' });
    }
    for (const person of people) expect(await mailOf(relay, person)).toEqual([]);
  });
});
