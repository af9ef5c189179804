import { describe, expect, it } from 'vitest';
import { type NamedLibrary, nativeLibrary, pairs, wasmLibrary } from './libraries.ts';
import { outcomeOf } from './outcome.ts';
import { Party } from './party.ts';
import { fieldOf } from './wire-walk.ts';

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

describe.each(pairs)('sessions from %o to %o', (from, to) => {
  it.each([true, false])('begin with a one-time key: %s', async (oneTime) => {
    const alice = new Party(from, 'a8f0c1de-51b1-4d4c-8f3a-0d9c7d7f0001');
    const bob = new Party(to, 'a8f0c1de-51b1-4d4c-8f3a-0d9c7d7f0002');
    await alice.start(bob, bob.publicKeys({ oneTime }));
    const first = await alice.encrypt(bob, text('first'));
    expect(first.type).toBe(3);
    expect(await bob.decrypt(alice, first)).toEqual(text('first'));
    expect(bob.stores.prekeys.size).toBe(0);
    const answer = await bob.encrypt(alice, text('answer'));
    expect(answer.type).toBe(2);
    expect(await alice.decrypt(bob, answer)).toEqual(text('answer'));
    for (let turn = 0; turn < 20; turn++) {
      expect(await bob.decrypt(alice, await alice.encrypt(bob, text(`there ${turn}`)))).toEqual(text(`there ${turn}`));
      expect(await alice.decrypt(bob, await bob.encrypt(alice, text(`back ${turn}`)))).toEqual(text(`back ${turn}`));
    }
  });
});

/** What two devices ask their stores, and what they are told, in all that a session goes through. */
async function storyOf([from, to]: readonly [NamedLibrary, NamedLibrary]): Promise<string[]> {
  const alice = new Party(from, 'a8f0c1de-51b1-4d4c-8f3a-0d9c7d7f0001');
  const bob = new Party(to, 'a8f0c1de-51b1-4d4c-8f3a-0d9c7d7f0002');
  const story: string[] = [];
  const tell = async (what: string, run: () => Promise<unknown>): Promise<void> => {
    const said = await outcomeOf(async () => {
      const result = await run();
      return result instanceof Uint8Array ? result : 'something';
    });
    story.push(`${what}: ${said}`);
    for (const [name, party] of Object.entries({ alice, bob })) {
      story.push(...party.stores.calls.splice(0).map((call) => `  ${name} ${call}`));
    }
  };
  await tell('encrypt without a session', () => alice.encrypt(bob, text('x')));
  await tell('start', () => alice.start(bob));
  const first = await alice.encrypt(bob, text('first'));
  await tell('encrypt', async () => first);
  const lost = new Map(bob.stores.signedPrekeys);
  bob.stores.signedPrekeys.clear();
  await tell('decrypt without the signed prekey', () => bob.decrypt(alice, first));
  for (const [id, bytes] of lost) bob.stores.signedPrekeys.set(id, bytes);
  await tell('decrypt', () => bob.decrypt(alice, first));
  await tell('decrypt again', () => bob.decrypt(alice, first));
  const second = await alice.encrypt(bob, text('second'));
  await tell('decrypt the second', () => bob.decrypt(alice, second));
  const answer = await bob.encrypt(alice, text('answer'));
  await tell('decrypt the answer', () => alice.decrypt(bob, answer));
  const third = await alice.encrypt(bob, text('third'));
  await tell('decrypt the third', () => bob.decrypt(alice, third));
  await tell('decrypt it again', () => bob.decrypt(alice, third));
  await tell('both start', async () => {
    await Promise.all([alice.start(bob), bob.start(alice)]);
    const sent = await Promise.all([alice.encrypt(bob, text('a')), bob.encrypt(alice, text('b'))]);
    return Promise.all([bob.decrypt(alice, sent[0]), alice.decrypt(bob, sent[1])]);
  });
  const stranger = new Party(to, bob.address.name());
  await tell('start with another identity', () => alice.start(stranger));
  alice.stores.identities.set(bob.address.toString(), stranger.own.publicKey.serialize());
  await tell('encrypt for another identity', () => alice.encrypt(bob, text('x')));
  const keys = bob.publicKeys();
  alice.stores.identities.delete(bob.address.toString());
  const signature = Uint8Array.from(keys.signed.signature, (byte, at) => (at === 5 ? byte ^ 1 : byte));
  await tell('start with a forged bundle', () => alice.start(bob, { ...keys, signed: { ...keys.signed, signature } }));
  const kyber = { ...keys.kyber, signature };
  await tell('start with a forged Kyber key', () => alice.start(bob, { ...keys, kyber }));
  bob.stores.sessions.clear();
  await tell('decrypt without a session', () => bob.decrypt(alice, third));
  alice.stores.session.getSession = () => Promise.reject(new RangeError('the store is broken'));
  await tell('encrypt when the store throws', () => alice.encrypt(bob, text('x')));
  return story;
}

describe('what is asked of stores', () => {
  it('is the same in the same order, and so is what is refused', async () => {
    const reference = await storyOf([nativeLibrary, nativeLibrary]);
    expect(reference.some((line) => line.includes('UntrustedIdentity (3)'))).toBe(true);
    expect(reference.length).toBeGreaterThan(60);
    for (const pair of pairs) expect(await storyOf(pair)).toEqual(reference);
  });

  it('an error has the words of the store, and whose identity is not trusted', async () => {
    for (const named of pairs.map(([from]) => from)) {
      const [alice, bob] = [new Party(named, 'alice'), new Party(named, 'bob')];
      alice.stores.session.getSession = () => Promise.reject(new RangeError('the store is broken'));
      await expect(alice.encrypt(bob, text('x'))).rejects.toThrow(
        "error in method call 'loadSession': RangeError: the store is broken",
      );
      alice.stores.identities.set('bob.1', alice.own.publicKey.serialize());
      const error = await alice.start(bob).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: named.library.ErrorCode.UntrustedIdentity, addr: 'bob' });
      expect(named.library.LibSignalErrorBase.is(error, named.library.ErrorCode.UntrustedIdentity)).toBe(true);
    }
  });
});

describe('a message that says from whom to whom it goes', () => {
  const [aliceId, bobId] = ['a8f0c1de-51b1-4d4c-8f3a-0d9c7d7f0001', 'a8f0c1de-51b1-4d4c-8f3a-0d9c7d7f0002'];
  const routes = [
    [aliceId, 5, bobId, 7],
    [aliceId, 5, bobId?.toUpperCase(), 7],
    [aliceId, 6, bobId, 7],
    [aliceId, 5, bobId, 8],
    [bobId, 5, bobId, 7],
    [aliceId, 5, aliceId, 7],
    [aliceId, 5, `PNI:${bobId}`, 7],
    [aliceId, 5, 'bob', 7],
    ['alice', 5, bobId, 7],
    ['alice', 5, 'bob', 7],
  ] as const;

  it('is refused elsewhere, by both', async () => {
    const alice = new Party(nativeLibrary, aliceId ?? '', { deviceId: 5 });
    const bob = new Party(nativeLibrary, bobId ?? '', { deviceId: 7 });
    await alice.start(bob);
    const [first, second] = [await alice.encrypt(bob, text('first')), await alice.encrypt(bob, text('second'))];
    const inner = fieldOf(second.bytes.subarray(1), 4);
    const said: string[][] = [];
    for (const named of [nativeLibrary, wasmLibrary]) {
      const lines: string[] = [];
      for (const [fromName = '', fromDevice, toName = '', toDevice] of routes) {
        const { library } = named;
        const [from, to] = [
          library.ProtocolAddress.new(fromName, fromDevice),
          library.ProtocolAddress.new(toName, toDevice),
        ];
        const began = bob.twin(named);
        const { session, identity, prekey, signedPrekey, kyberPrekey } = began.stores;
        const message = library.PreKeySignalMessage.deserialize(first.bytes);
        const stores = [session, identity, prekey, signedPrekey, kyberPrekey] as const;
        lines.push(await outcomeOf(() => library.signalDecryptPreKey(message, from, to, ...stores)));
        const met = bob.twin(named);
        await met.decrypt(alice, first);
        const known = met.stores.sessions.get(met.addressOf(alice).toString());
        if (known !== undefined) met.stores.sessions.set(from.toString(), known);
        const whisper = library.SignalMessage.deserialize(inner);
        const open = () => library.signalDecrypt(whisper, from, to, met.stores.session, met.stores.identity);
        lines.push(await outcomeOf(open));
      }
      said.push(lines);
    }
    expect(said[1]).toEqual(said[0]);
    expect(said[0]?.map((line) => line.startsWith('gave'))).toEqual(routes.flatMap((_, at) => [at < 2, at < 2]));
  });
});
