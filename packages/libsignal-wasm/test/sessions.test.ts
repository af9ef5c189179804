import { describe, expect, it } from 'vitest';
import { pairs } from './libraries.ts';
import { Party } from './party.ts';

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
