import { describe, expect, it } from 'vitest';
import { nativeLibrary, pairs, wasmLibrary } from './libraries.ts';
import { outcomeOf } from './outcome.ts';
import { now, Party, type Sent } from './party.ts';
import { fieldOf } from './wire-walk.ts';

const text = (words: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(words);
const ids = ['a8f0c1de-51b1-4d4c-8f3a-0d9c7d7f0001', 'a8f0c1de-51b1-4d4c-8f3a-0d9c7d7f0002'] as const;
const distribution = 'd1d1d1d1-7000-11eb-b32a-33b8a8a487a6';
const day = 86_400_000;

/** The keys of this many skipped messages are kept. */
const skipped = 2_000;
/** A chain goes on at most so far at once. */
const jump = 25_000;

describe('both ends of each limit', () => {
  it('2,000 skipped messages of a session are kept, not more', async () => {
    const alice = new Party(nativeLibrary, ids[0]);
    const bob = new Party(nativeLibrary, ids[1]);
    await alice.start(bob);
    const bobs = [bob, bob.twin(wasmLibrary)];
    const first = await alice.encrypt(bob, text('first'));
    for (const each of bobs) await each.decrypt(alice, first);
    const sent: Sent[] = [];
    for (let number = 0; number < skipped + 3; number++) {
      const next = await alice.encrypt(bob, text(`${number}`));
      sent.push({ type: 2, bytes: fieldOf(next.bytes.subarray(1), 4) });
    }
    // The last one skips two more than are kept: the keys of the first two go.
    for (const number of [skipped + 2, skipped + 1, skipped, 3, 2, 1, 0]) {
      const said: string[] = [];
      for (const each of bobs) said.push(await outcomeOf(() => each.decrypt(alice, sent[number] as Sent)));
      expect(`${number}: ${said[1]}`).toBe(`${number}: ${said[0]}`);
      expect(said[0]?.startsWith('gave')).toBe(number >= 2);
    }
  });

  it('2,000 skipped messages of a chain are kept, and it goes on by 25,000 at once, not more', async () => {
    const alice = new Party(nativeLibrary, ids[0]);
    const bobs = [new Party(nativeLibrary, ids[1]), new Party(wasmLibrary, ids[1])];
    const { library, stores } = alice;
    const key = await library.SenderKeyDistributionMessage.create(alice.address, distribution, stores.senderKey);
    for (const bob of bobs) {
      const given = bob.library.SenderKeyDistributionMessage.deserialize(key.serialize());
      await bob.library.processSenderKeyDistributionMessage(bob.addressOf(alice), given, bob.stores.senderKey);
    }
    const sent: Uint8Array<ArrayBuffer>[] = [];
    for (let number = 0; number < jump + 2; number++) {
      const message = await library.groupEncrypt(alice.address, distribution, stores.senderKey, text(`${number}`));
      sent.push(message.serialize());
    }
    const order = [
      jump + 1,
      skipped + 1,
      0,
      1,
      2,
      skipped,
      skipped + 1,
      jump + 1,
      jump,
      jump - skipped + 1,
      jump - skipped,
    ];
    const said: string[][] = [];
    for (const bob of bobs) {
      const lines: string[] = [];
      for (const number of order) {
        const bytes = sent[number] as Uint8Array<ArrayBuffer>;
        const open = () => bob.library.groupDecrypt(bob.addressOf(alice), bob.stores.senderKey, bytes);
        lines.push(`${number}: ${(await outcomeOf(open)).split(' ')[0]}`);
      }
      said.push(lines);
    }
    expect(said[1]).toEqual(said[0]);
    expect(said[0]?.slice(0, 4)).toEqual([
      `${jump + 1}: LibSignalError`,
      `${skipped + 1}: gave`,
      '0: DuplicatedMessage',
      '1: gave',
    ]);
  });

  it('a session that nobody answered is good for 30 days', async () => {
    for (const named of [nativeLibrary, wasmLibrary]) {
      const [alice, bob] = [new Party(named, ids[0]), new Party(named, ids[1])];
      await alice.start(bob);
      const session = await alice.stores.session.getSession(alice.addressOf(bob));
      const at = (ms: number) => new Date(now.getTime() + ms);
      expect(session?.hasCurrentState(at(30 * day))).toBe(true);
      expect(session?.hasCurrentState(at(30 * day + 1))).toBe(false);
      const { session: sessions, identity: identities } = alice.stores;
      const seal = (time: Date) =>
        alice.library.signalEncrypt(text('x'), alice.addressOf(bob), alice.address, sessions, identities, time);
      expect((await seal(at(30 * day))).type()).toBe(3);
      expect(await outcomeOf(() => seal(at(30 * day + 1)))).toBe('LibSignalError (0) in SessionCipher_EncryptMessage');
      session?.archiveCurrentState();
      expect(session?.hasCurrentState(now)).toBe(false);
    }
  });

  it('registration ids are told as they are', async () => {
    for (const [from, to] of pairs) {
      for (const registrationId of [1, 16_383, 2 ** 31 - 1]) {
        const [alice, bob] = [new Party(from, ids[0], { registrationId }), new Party(to, ids[1], { registrationId })];
        await alice.start(bob);
        const session = await alice.stores.session.getSession(alice.addressOf(bob));
        expect([session?.localRegistrationId(), session?.remoteRegistrationId()]).toEqual([
          registrationId,
          registrationId,
        ]);
        await bob.decrypt(alice, await alice.encrypt(bob, text('x')));
      }
    }
  });

  it('a device has had 40 sessions of before, and messages on them open', async () => {
    const lines: string[][] = [];
    for (const named of [nativeLibrary, wasmLibrary]) {
      const [alice, bob] = [new Party(nativeLibrary, ids[0]), new Party(named, ids[1])];
      const sent: Sent[] = [];
      for (let number = 0; number < 43; number++) {
        await alice.start(bob);
        await bob.decrypt(alice, await alice.encrypt(bob, text('first')));
        const next = await alice.encrypt(bob, text(`${number}`));
        sent.push({ type: 2, bytes: fieldOf(next.bytes.subarray(1), 4) });
      }
      const said: string[] = [];
      for (const message of sent) said.push(await outcomeOf(() => bob.decrypt(alice, message)));
      lines.push(said);
    }
    expect(lines[1]).toEqual(lines[0]);
    expect(lines[0]?.filter((line) => !line.startsWith('gave')).length).toBe(2);
  });
});
