import { describe, expect, it } from 'vitest';
import { type NamedLibrary, nativeLibrary, pairs, wasmLibrary } from './libraries.ts';
import { outcomeOf } from './outcome.ts';
import { Party } from './party.ts';
import { Seeded } from './seeded.ts';

const distribution = 'd1d1d1d1-7000-11eb-b32a-33b8a8a487a6';
const ids = ['a8f0c1de-51b1-4d4c-8f3a-0d9c7d7f0001', 'a8f0c1de-51b1-4d4c-8f3a-0d9c7d7f0002'] as const;

async function give(from: Party, to: Party): Promise<void> {
  const key = await from.library.SenderKeyDistributionMessage.create(from.address, distribution, from.stores.senderKey);
  const given = to.library.SenderKeyDistributionMessage.deserialize(key.serialize());
  expect([given.distributionId(), given.chainId(), given.iteration(), given.chainKey()]).toEqual([
    distribution,
    key.chainId(),
    key.iteration(),
    key.chainKey(),
  ]);
  await to.library.processSenderKeyDistributionMessage(to.addressOf(from), given, to.stores.senderKey);
}

async function send(from: Party, words: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new TextEncoder().encode(words);
  const message = await from.library.groupEncrypt(from.address, distribution, from.stores.senderKey, bytes);
  expect(message.type()).toBe(7);
  return message.serialize();
}

function open(to: Party, from: Party, bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return to.library.groupDecrypt(to.addressOf(from), to.stores.senderKey, bytes);
}

/** Messages on one chain that are lost, late, repeated, and given keys again in between. */
async function runGroup(seed: number, [from, to]: readonly [NamedLibrary, NamedLibrary]): Promise<string[]> {
  const random = new Seeded(seed);
  const [alice, bob] = [new Party(from, ids[0]), new Party(to, ids[1])];
  await give(alice, bob);
  const log: string[] = [];
  const way: Uint8Array<ArrayBuffer>[] = [];
  const seen: Uint8Array<ArrayBuffer>[] = [];
  for (let number = 0; number < 400; number++) {
    way.push(await send(alice, `${number}`));
    if (random.chance(0.02)) await give(alice, bob);
    if (random.chance(0.1)) way.splice(random.below(way.length), 1);
    const again = seen[random.below(seen.length * 10 + 1)];
    if (again !== undefined) log.push(await outcomeOf(() => open(bob, alice, again)));
    while (random.chance(0.5)) {
      const [message] = way.splice(random.below(way.length), 1);
      if (message === undefined) break;
      log.push(await outcomeOf(() => open(bob, alice, message)));
      seen.push(message);
    }
  }
  return log;
}

describe('random schedules of sender keys', () => {
  it.each([1, 2, 3, 4])('of seed %i say the same', async (seed) => {
    const reference = await runGroup(seed, [nativeLibrary, nativeLibrary]);
    expect(reference.some((line) => line.startsWith('DuplicatedMessage'))).toBe(true);
    for (const pair of pairs) expect(await runGroup(seed, pair)).toEqual(reference);
  });
});

describe.each(pairs)('sender keys from %o to %o', (from, to) => {
  it('parse to the same, and are verified', async () => {
    const [alice, bob] = [new Party(from, ids[0]), new Party(to, ids[1])];
    await give(alice, bob);
    const bytes = await send(alice, 'words');
    const [ours, theirs] = [wasmLibrary, nativeLibrary].map(({ library }) =>
      library.SenderKeyMessage.deserialize(bytes),
    );
    expect([ours?.distributionId(), ours?.chainId(), ours?.iteration(), ours?.ciphertext()]).toEqual([
      theirs?.distributionId(),
      theirs?.chainId(),
      theirs?.iteration(),
      theirs?.ciphertext(),
    ]);
    expect(bob.stores.calls).toEqual([
      `getSenderKey ${ids[0]}.1 ${distribution}`,
      `saveSenderKey ${ids[0]}.1 ${distribution}`,
    ]);
    expect(await open(bob, alice, bytes)).toEqual(new TextEncoder().encode('words'));
  });

  it('are made by hand to the same', async () => {
    const key = from.library.PrivateKey.generate();
    const bytes = new Uint8Array(32).fill(5);
    const made = from.library.SenderKeyDistributionMessage._new(3, distribution, 42, 7, bytes, key.getPublicKey());
    expect(to.library.SenderKeyDistributionMessage.deserialize(made.serialize()).serialize()).toEqual(made.serialize());
    const message = from.library.SenderKeyMessage._new(3, distribution, 42, 7, bytes, key);
    const seen = to.library.SenderKeyMessage.deserialize(message.serialize());
    expect(seen.verifySignature(to.library.PublicKey.deserialize(key.getPublicKey().serialize()))).toBe(true);
    expect(seen.verifySignature(to.library.PrivateKey.generate().getPublicKey())).toBe(false);
  });
});
