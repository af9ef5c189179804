import { describe, expect, it } from 'vitest';
import { nativeLibrary, wasmLibrary } from './libraries.ts';
import { outcomeOf } from './outcome.ts';
import { Party } from './party.ts';

const ids = ['a8f0c1de-51b1-4d4c-8f3a-0d9c7d7f0001', 'a8f0c1de-51b1-4d4c-8f3a-0d9c7d7f0002'] as const;
const distribution = 'd1d1d1d1-7000-11eb-b32a-33b8a8a487a6';

async function recordsOf(named: typeof nativeLibrary) {
  const [alice, bob] = [new Party(named, ids[0]), new Party(named, ids[1])];
  await alice.start(bob);
  await alice.library.SenderKeyDistributionMessage.create(alice.address, distribution, alice.stores.senderKey);
  const session = Uint8Array.from(alice.stores.sessions.values().next().value ?? []);
  return { session, chain: Uint8Array.from(alice.stores.senderKeys.values().next().value ?? []) };
}

// Records of prekeys and identities are interchangeable: primitives.test.ts.
describe('records of sessions and chains stay with the library that wrote them', () => {
  it.each([
    [nativeLibrary, wasmLibrary],
    [wasmLibrary, nativeLibrary],
  ])('those of %o are refused by %o', async (writer, reader) => {
    const { session, chain } = await recordsOf(writer);
    expect(await outcomeOf(() => reader.library.SessionRecord.deserialize(session))).toBe(
      'InvalidSession (7) in SessionRecord_Deserialize',
    );
    expect(await outcomeOf(() => reader.library.SenderKeyRecord.deserialize(chain))).toBe(
      'LibSignalError (0) in SenderKeyRecord_Deserialize',
    );
    expect(writer.library.SessionRecord.deserialize(session).serialize()).toEqual(session);
    expect(writer.library.SenderKeyRecord.deserialize(chain).serialize()).toEqual(chain);
  });
});
