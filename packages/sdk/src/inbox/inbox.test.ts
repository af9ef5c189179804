import { CiphertextKind, Content, Envelope, type EnvelopeFields, RatchetMessage, uuidToBytes } from '@sotto/proto';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { userIdOf } from '../../test/numbered-uuid.ts';
import { delivered, type ReceivingDevice, receivingDevice } from '../../test/receiving-device.ts';
import { reopened, startSession, type TestDevice, testDevice } from '../../test/test-device.ts';
import { settled } from '../../test/turn-of-events.ts';
import { chatWith, openChat } from '../chats/chat-state.ts';
import { recordKey } from '../ports/record-key.ts';
import { SottoError } from '../sotto-error.ts';

let alice: TestDevice;
let bob: ReceivingDevice;
let seq = 0;

beforeEach(async () => {
  alice = await testDevice();
  bob = receivingDevice(await testDevice());
  await startSession(alice, bob.device);
  seq = 0;
});

function text(body: string, tampering?: Parameters<typeof delivered>[3]): Promise<Uint8Array> {
  return delivered(alice, bob.device, { seq: ++seq, sentAt: 1, text: { body } }, tampering);
}

/** An envelope with other fields. */
function altered(bytes: Uint8Array, fields: EnvelopeFields): Uint8Array {
  return Envelope.encode({ ...Envelope.decode(bytes), ...fields });
}

/** One that is held for what stands in it, whatever is done. */
function heldWith(fields: EnvelopeFields): () => Promise<Uint8Array> {
  return async () => altered(await text('x'), fields);
}

async function acceptChat(): Promise<void> {
  await bob.device.executor.run([], async (overlay) => {
    overlay.put('chat', { ...(await openChat(overlay, alice.account.userId, 0)), accepted: true });
  });
}

/** Lets Bob answer, so that Alice's messages have no prekeys any more. */
async function establish(): Promise<void> {
  await bob.deliver(await text('first'));
  const back = await delivered(bob.device, alice, { seq: 1, text: { body: 'back' } });
  await receivingDevice(alice).deliver(back);
}

describe('an envelope', () => {
  it('is applied once, in one commit with its digest and its id, then acked', async () => {
    const bytes = await text('hello');
    const commits = bob.device.store.commits.length;
    await bob.deliver(bytes);
    expect(bob.device.store.commits).toHaveLength(commits + 1);
    const kinds = bob.device.store.commits.at(-1)?.map((change) => `${change.type} ${'kind' in change && change.kind}`);
    expect(kinds?.sort()).toEqual(
      expect.arrayContaining(['put session', 'put message', 'put seen', 'put identity', 'delete prekey', 'put event']),
    );
    expect(kinds?.filter((kind) => kind === 'delete prekey')).toHaveLength(2);
    expect(bob.acked).toEqual([0]);
    expect(bob.device.steps).toEqual(['deliver.received', 'decrypt.before-commit', 'receive.committed', 'ack.left']);
    await bob.deliver(bytes);
    expect(bob.acked).toEqual([0, 0]);
    expect(await bob.texts(alice)).toEqual(['hello']);
    expect(await bob.heldReasons()).toEqual([]);
  });

  it('is known after a restart, and when it comes twice at once', async () => {
    const [one, two] = [await text('one'), await text('two')];
    await bob.deliver(one, one, two, one, two);
    expect(bob.acked).toEqual([0, 1, 2, 3, 4]);
    const again = receivingDevice(await reopened(bob.device));
    await again.deliver(two, one);
    expect(await again.texts(alice)).toEqual(['one', 'two']);
    expect(await again.heldReasons()).toEqual([]);
  });

  it('of another attempt of the same message moves the ratchet and nothing else', async () => {
    const nonce = new Uint8Array(16).fill(9);
    const [first, second] = [await text('hello', { nonce }), await text('hello', { nonce })];
    await bob.deliver(first);
    await bob.deliver(second);
    await bob.deliver(await text('next'));
    expect(await bob.texts(alice)).toEqual(['hello', 'next']);
    expect(bob.acked).toHaveLength(3);
    expect(await bob.heldReasons()).toEqual([]);
  });

  it('queues a receipt in the same commit when its chat was accepted, many in one row', async () => {
    await acceptChat();
    const bytes = [await text('1'), await text('2'), await text('3')];
    const commits = bob.device.store.commits.length;
    await bob.deliver(...bytes);
    expect(bob.device.store.commits).toHaveLength(commits + 1);
    const rows = await bob.device.store.outbox(chatWith(alice.account.userId), 0, 10);
    expect(rows).toHaveLength(1);
    expect(Content.decode(rows[0]?.content ?? new Uint8Array()).receipt?.messageIds).toHaveLength(3);
    expect(bob.receiptsTo).toHaveLength(3);
    expect(bob.device.steps).toContain('receipt.queued');
  });

  it('from a stranger is not receipted', async () => {
    await bob.deliver(await text('hi'));
    expect(await bob.device.store.outboxChats()).toEqual([]);
    expect(bob.receiptsTo).toEqual([]);
  });

  it('is not receipted when it speaks of messages that are not there, a thousand times  [security: receipt-side-channel]', async () => {
    await acceptChat();
    const bogus = Array.from({ length: 1_000 }, (_, at) => {
      const id = new Uint8Array(16).fill(at % 251);
      const receipt = { kind: 1 + (at % 2), messageIds: [id], at: 1 };
      const contents = [{ receipt }, { seqHole: { seqs: [1 + at] } }, { replaces: [id] }];
      return delivered(alice, bob.device, contents[at % 3] ?? {});
    });
    await bob.deliver(...(await Promise.all(bogus)));
    expect(bob.acked).toHaveLength(1_000);
    expect(await bob.device.store.outboxChats()).toEqual([]);
    expect(bob.receiptsTo).toEqual([]);
  });

  it('tells what its sender says of profile and receipts', async () => {
    await bob.deliver(await text('hi'));
    expect(await bob.device.store.get('user', { id: alice.account.userId })).toMatchObject({
      profileKey: alice.account.profileKey,
      returnsReceipts: true,
    });
  });
});

describe('what can not be opened is held, acked, and told, with its reason', () => {
  const other = uuidToBytes(userIdOf(77));
  const cases: readonly (readonly [string, string, () => Promise<Uint8Array>])[] = [
    ['malformed-envelope', 'bytes that are no envelope', async () => Uint8Array.of(0x0a, 0x7f, 1)],
    ['malformed-envelope', 'a sender that is none', heldWith({ senderUser: new Uint8Array(15) })],
    ['malformed-envelope', 'a sealed sender', heldWith({ senderUser: new Uint8Array() })],
    ['malformed-envelope', 'device 0', heldWith({ senderDevice: 0 })],
    ['malformed-envelope', 'device 128', heldWith({ senderDevice: 128 })],
    ['malformed-envelope', 'a message id that is none', heldWith({ messageId: new Uint8Array(17) })],
    ['unknown-suite', 'no bytes', async () => new Uint8Array()],
    ['unknown-suite', 'a suite to come', heldWith({ suite: 2 })],
    ['unknown-kind', 'a kind to come', heldWith({ kind: 99 as CiphertextKind })],
    [
      'malformed-envelope',
      'a sender key without a group',
      heldWith({ kind: CiphertextKind.CIPHERTEXT_KIND_SENDER_KEY }),
    ],
    ['group-mismatch', 'a group', heldWith({ groupId: new Uint8Array(32) })],
    ['wrong-recipient', 'somebody else', heldWith({ recipientUser: other })],
    ['wrong-recipient', 'another device', heldWith({ recipientDevice: 2 })],
    ['malformed-ciphertext', 'noise', heldWith({ ciphertext: new Uint8Array(100).fill(0x44) })],
    [
      'malformed-ciphertext',
      'a short post-quantum part',
      async () => {
        const ciphertext = ratchetMessage({ counter: 0, pqRatchet: Uint8Array.of(1, 0, 0) });
        return altered(await text('x'), { kind: CiphertextKind.CIPHERTEXT_KIND_WHISPER, ciphertext });
      },
    ],
    [
      'counter-jump',
      'a forged counter',
      async () => {
        await establish();
        const ciphertext = ratchetMessage({ counter: 2_001 });
        return altered(await text('x'), { kind: CiphertextKind.CIPHERTEXT_KIND_WHISPER, ciphertext });
      },
    ],
    [
      'no-session',
      'a message of a session that is not there',
      async () => {
        await establish();
        await bob.device.executor.run([], (overlay) => overlay.delete('session', alice.address));
        return text('x');
      },
    ],
    [
      'missing-prekey',
      'a prekey that is gone',
      async () => {
        const prekeys = await bob.device.store.prekeys();
        await bob.device.executor.run([], (overlay) => {
          for (const prekey of prekeys) if (prekey.kind === 'ec') overlay.delete('prekey', prekey);
        });
        return text('x');
      },
    ],
    [
      'replayed-prekey',
      'a last-resort key with the same base key again',
      async () => {
        bob = receivingDevice(await testDevice({ prekeys: { signed: 1, 'last-resort': 1, ec: 0, kyber: 0 } }));
        await startSession(alice, bob.device);
        await bob.deliver(await text('first'));
        await bob.device.executor.run([], (overlay) => overlay.delete('session', alice.address));
        return text('x');
      },
    ],
    [
      'not-a-duplicate',
      'another ciphertext under a counter that was used',
      async () => {
        const before = await alice.store.get('session', bob.device.address);
        await bob.deliver(await text('first'));
        await alice.executor.run([], (overlay) => before && overlay.put('session', before));
        return text('rolled back');
      },
    ],
    [
      'undecryptable',
      'a wrong MAC',
      async () => {
        await establish();
        const bytes = await text('x');
        const ciphertext = Envelope.decode(bytes).ciphertext.slice();
        ciphertext[ciphertext.length - 1] = (ciphertext.at(-1) ?? 0) ^ 1;
        return altered(bytes, { ciphertext });
      },
    ],
    ['malformed-content', 'no padding', () => text('x', { plaintext: new Uint8Array(160) })],
    ['malformed-content', 'a content that is none', () => text('x', { content: () => Uint8Array.of(0x0a, 0x7f) })],
    ['malformed-content', 'a content without its ids', () => text('x', { content: () => new Uint8Array() })],
    ['sender-mismatch', 'another sender inside', () => text('x', changed({ senderUser: other }))],
    ['sender-mismatch', 'another sending device inside', () => text('x', changed({ senderDevice: 2 }))],
    ['sender-mismatch', 'the own account', heldWith({ senderUser: other }).bind(undefined)],
    ['wrong-recipient', 'another recipient inside', () => text('x', changed({ recipientUser: other }))],
    ['wrong-recipient', 'another receiving device inside', () => text('x', changed({ recipientDevice: 2 }))],
    ['message-id-mismatch', 'another id outside', heldWith({ messageId: other })],
    ['message-id-mismatch', 'another id inside', () => text('x', changed({ messageId: other }))],
    [
      'message-id-mismatch',
      'an id that does not follow from its nonce',
      () => text('x', { ...changed({ messageId: other }), envelope: { messageId: other } }),
    ],
    ['content-invalid', 'a text with NUL', () => text('a\0b')],
    ['content-invalid', 'a text without a number', () => text('x', changed({ seq: 0 }))],
  ];

  function changed(fields: Parameters<typeof Content.encode>[0]) {
    return { content: (encoded: Uint8Array) => Content.encode({ ...Content.decode(encoded), ...fields }) };
  }

  it.each(cases)('%s: %s', async (reason, what, make) => {
    let bytes = await make();
    if (what === 'the own account') bytes = altered(bytes, { senderUser: uuidToBytes(bob.device.account.userId) });
    const before = await bob.texts(alice);
    bob.acked.length = 0;
    // One in front of it and one behind it, in the same batch.
    const carol = await testDevice();
    await startSession(carol, bob.device, { ec: 'none' });
    const front = await delivered(carol, bob.device, { seq: 1, text: { body: 'in front' } });
    const behind = await delivered(carol, bob.device, { seq: 2, text: { body: 'behind' } });
    await bob.deliver(front, bytes, behind);
    expect(await bob.heldReasons()).toEqual([reason]);
    expect(bob.acked).toEqual([0, 1, 2]);
    expect(bob.failures).toEqual([]);
    expect(await bob.texts(carol)).toEqual(['in front', 'behind']);
    expect(await bob.texts(alice)).toEqual(before);
    const [held] = await bob.device.store.held(1);
    expect(held).toMatchObject({ envelope: bytes, retries: 0 });
    const digest = held && recordKey('held', held);
    expect(bob.device.published.flat().map(({ fact }) => fact)).toContainEqual({
      type: 'envelope.held',
      digest,
      reason,
    });
    // The same once more is known, and trying again changes nothing but the count.
    await bob.deliver(bytes);
    expect(await bob.heldReasons()).toEqual([reason]);
    await bob.inbox.retryHeld();
    expect(await bob.device.store.held(10)).toEqual([{ ...held, retries: 1 }]);
  });

  it('each envelope without a ciphertext by itself', async () => {
    await bob.deliver(Envelope.encode({ suite: 9, attempt: 1 }), Envelope.encode({ suite: 9, attempt: 2 }));
    expect(await bob.heldReasons()).toEqual(['unknown-suite', 'unknown-suite']);
  });
});

describe('the inbox', () => {
  it('takes 200 deliveries in batches, in order, and acks each after its commit', async () => {
    await acceptChat();
    const many: Uint8Array[] = [];
    for (let at = 0; at < 200; at++) many.push(await text(`${at}`));
    const commits = bob.device.store.commits.length;
    await bob.deliver(...many);
    expect(bob.device.store.commits.length - commits).toBe(Math.ceil(200 / 128));
    expect(bob.acked).toEqual(many.map((_, at) => at));
    expect(await bob.texts(alice)).toEqual(many.map((_, at) => `${at}`));
    const acks = bob.device.steps.flatMap((step, at) => (step === 'ack.left' ? [at] : []));
    expect(acks).toHaveLength(2);
    expect(bob.device.steps.indexOf('ack.left')).toBeGreaterThan(bob.device.steps.indexOf('receive.committed'));
  });

  it('acks nothing while the commit is under way, and nothing of a commit that failed', async () => {
    const bytes = await text('hello');
    let release = (): void => undefined;
    bob.device.store.holdNextCommit(
      new Promise((resolve) => {
        release = resolve;
      }),
    );
    const failure = new SottoError('store-unavailable', 'full', { retryable: true });
    bob.device.store.failNextCommit(failure);
    const delivering = bob.deliver(bytes);
    await settled();
    expect(bob.acked).toEqual([]);
    release();
    await delivering;
    expect(bob.acked).toEqual([]);
    expect(bob.failures).toEqual([failure]);
    expect(await bob.texts(alice)).toEqual([]);
    await bob.deliver(bytes);
    expect(bob.acked).toEqual([0]);
    expect(await bob.texts(alice)).toEqual(['hello']);
  });

  it.each(['session', 'identity', 'prekey', 'message', 'user', 'chat', 'kyberUse'])(
    'acks and holds nothing when a read of a %s fails',
    async (kind) => {
      bob = receivingDevice(await testDevice({ prekeys: { signed: 1, 'last-resort': 1, ec: 1, kyber: 0 } }));
      await startSession(alice, bob.device);
      const bytes = await text('hello');
      const failure = new SottoError('store-unavailable', 'no disk', { retryable: true });
      bob.device.store.failReads(kind, failure);
      await bob.deliver(bytes);
      expect(bob.failures).toEqual([failure]);
      expect(bob.acked).toEqual([]);
      bob.device.store.failReads(kind, undefined);
      expect(await bob.heldReasons()).toEqual([]);
      await bob.deliver(bytes);
      expect(await bob.texts(alice)).toEqual(['hello']);
    },
  );

  it('acks and holds nothing when it can not be told whether what fails to open came before', async () => {
    const failure = new SottoError('store-unavailable', 'no disk', { retryable: true });
    bob.device.store.failReads('seen', failure);
    await bob.deliver(Envelope.encode({ suite: 9 }));
    expect(bob.failures).toEqual([failure]);
    expect(bob.acked).toEqual([]);
    expect(await bob.heldReasons()).toEqual([]);
    bob.device.store.failReads('seen', undefined);
    await bob.deliver(Envelope.encode({ suite: 9 }));
    expect(await bob.heldReasons()).toEqual(['unknown-suite']);
  });

  it('opens what it held of somebody when it can, however much else is held before it', async () => {
    const junk = Array.from({ length: 250 }, (_, at) => Envelope.encode({ suite: 9, attempt: at + 1 }));
    await bob.deliver(...junk);
    await establish();
    const session = await bob.device.store.get('session', alice.address);
    await bob.device.executor.run([], async (overlay) => {
      const chat = await overlay.get('chat', { id: chatWith(alice.address.userId) });
      if (chat !== undefined) overlay.put('chat', { ...chat, accepted: true });
      overlay.delete('session', alice.address);
    });
    bob.device.clock.advance(1);
    await bob.deliver(await text('early 1'), await text('early 2'));
    expect((await bob.heldReasons()).slice(250)).toEqual(['no-session', 'no-session']);
    await bob.device.executor.run([], (overlay) => session && overlay.put('session', session));
    bob.receiptsTo.length = 0;
    await bob.inbox.retryHeld(alice.address);
    expect(await bob.texts(alice)).toEqual(['first', 'early 1', 'early 2']);
    // As of what comes in its time, others are told what it leaves to do.
    expect(bob.receiptsTo).toEqual([alice.address, alice.address]);
    const held = await bob.device.store.held(1_000);
    expect(held).toHaveLength(250);
    expect(held.every(({ retries }) => retries === 0)).toBe(true);
  });

  it('opens what jumped too far once the messages in between have come', async () => {
    await establish();
    const between: Uint8Array[] = [];
    for (let at = 0; at < 2_002; at++) between.push(await text(`${at}`));
    const last = between.pop() ?? new Uint8Array();
    await bob.deliver(last);
    expect(await bob.heldReasons()).toEqual(['counter-jump']);
    await bob.deliver(...between.slice(-1));
    await bob.inbox.retryHeld();
    expect(await bob.heldReasons()).toEqual([]);
    expect(await bob.texts(alice)).toEqual(['first', '2000', '2001']);
  });

  it('tries again what it held when a session begins, also in the place of another one', async () => {
    await establish();
    await bob.device.executor.run([], (overlay) => overlay.delete('session', alice.address));
    await bob.deliver(await text('lost'));
    for (const retries of [1, 2]) {
      await alice.executor.run([], (overlay) => overlay.delete('session', bob.device.address));
      await startSession(alice, bob.device);
      await bob.deliver(await text('beginning'), await text('of the same session'));
      expect(await bob.device.store.held(10)).toMatchObject([{ retries }]);
    }
    expect(await bob.texts(alice)).toHaveLength(5);
  });

  it('forgets what was not begun when the stream is gone', async () => {
    await acceptChat();
    const many: Uint8Array[] = [];
    for (let at = 0; at < 200; at++) many.push(await text(`${at}`));
    bob.inbox.receive(many.map((envelope, at) => ({ deliveryId: Uint8Array.of(at), envelope })));
    await Promise.resolve();
    await Promise.resolve();
    bob.inbox.reset();
    await bob.inbox.idle();
    expect(bob.acked).toEqual(many.slice(0, 128).map((_, at) => at));
    await bob.deliver(...many);
    expect(await bob.texts(alice)).toHaveLength(200);
  });

  it('lets a good message through behind any envelope with any field made of noise  [security: poison]', async () => {
    await acceptChat();
    const bytes = fc.uint8Array({ maxLength: 40 });
    const noise = fc.record(
      {
        suite: fc.oneof(fc.constant(1), fc.nat(5)),
        kind: fc.nat(7) as fc.Arbitrary<CiphertextKind>,
        ciphertext: fc.oneof(bytes, fc.uint8Array({ maxLength: 300 })),
        messageId: bytes,
        senderUser: bytes,
        senderDevice: fc.nat(300),
        recipientUser: bytes,
        recipientDevice: fc.nat(300),
        acceptedAt: fc.maxSafeNat(),
        expiresAt: fc.maxSafeNat(),
        attempt: fc.nat(),
        urgent: fc.boolean(),
        groupId: bytes,
        groupEpoch: fc.maxSafeNat(),
        realm: fc.string(),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(noise, fc.option(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 }))), async (fields, flip) => {
        const broken = altered(await text('broken'), fields);
        if (flip !== null && broken.length > 0) {
          const at = flip[0] % broken.length;
          broken[at] = (broken[at] ?? 0) ^ flip[1];
        }
        const good = await text('good');
        bob.acked.length = 0;
        const before = (await bob.texts(alice)).filter((body) => body === 'good').length;
        await bob.deliver(broken, good);
        expect(bob.acked).toEqual([0, 1]);
        expect((await bob.texts(alice)).filter((body) => body === 'good')).toHaveLength(before + 1);
        expect(bob.failures).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('takes nothing once the account has ended: nothing is acked, held, applied or asked for  [security: leaving]', async () => {
    const first = await delivered(alice, bob.device, { seq: 1, text: { body: 'before' } });
    const garbled = { ...Envelope.decode(first), ciphertext: Uint8Array.of(1, 2, 3) };
    await bob.device.executor.run(['account'], (overlay) =>
      overlay.put('account', { ...bob.device.account, ended: true }),
    );
    const commits = bob.device.store.commits.length;
    await bob.deliver(first, Envelope.encode(garbled));
    expect(bob.failures).toMatchObject([{ code: 'session-ended' }]);
    expect([bob.acked, await bob.heldReasons(), await bob.texts(alice)]).toEqual([[], [], []]);
    expect(bob.device.store.commits.length).toBe(commits);
  });
});

function ratchetMessage(fields: { readonly counter: number; readonly pqRatchet?: Uint8Array }): Uint8Array {
  const body = RatchetMessage.encode({
    ratchetKey: new Uint8Array(33).fill(5),
    previousCounter: 0,
    ciphertext: new Uint8Array(16),
    pqRatchet: Uint8Array.of(1, 0, 0, 0),
    ...fields,
  });
  return Uint8Array.of(0x44, ...body, ...new Uint8Array(8));
}
