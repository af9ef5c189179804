import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPlatform } from '../platform/platform.node.ts';
import type { PrekeyKind, PrekeyRecord } from '../ports/key-records.ts';
import { PrekeyIds } from './prekey-id.ts';

const { randomness } = defaultPlatform();
const prekey = (kind: PrekeyKind, id: number): PrekeyRecord => ({
  kind,
  id,
  record: new Uint8Array(),
  createdAt: 0,
  replacedAt: undefined,
  uploaded: true,
});
const kinds = fc.constantFrom<PrekeyKind>('ec', 'kyber', 'signed', 'last-resort');
const anyId = fc.oneof(fc.integer({ min: 1, max: 2 ** 24 - 1 }), fc.integer({ min: 2 ** 24 - 20, max: 2 ** 24 - 1 }));

describe('PrekeyIds', () => {
  it('are in range and new, in one space for both kinds of Kyber keys', () => {
    const space = (kind: PrekeyKind) => (kind === 'last-resort' ? 'kyber' : kind);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(kinds, anyId), { maxLength: 20 }),
        fc.array(kinds, { maxLength: 60 }),
        (existing, wanted) => {
          const ids = new PrekeyIds(
            randomness,
            existing.map(([kind, id]) => prekey(kind, id)),
          );
          const taken = new Set(existing.map(([kind, id]) => `${space(kind)}.${id}`));
          for (const kind of wanted) {
            const id = ids.next(kind);
            expect(id >= 1 && id < 2 ** 24).toBe(true);
            expect(taken.has(`${space(kind)}.${id}`)).toBe(false);
            taken.add(`${space(kind)}.${id}`);
          }
        },
      ),
    );
  });

  it('ascend from the newest', () => {
    const ids = new PrekeyIds(randomness, [prekey('ec', 1_000)]);
    const [one, two] = [ids.next('ec'), ids.next('ec')];
    expect(one).toBeGreaterThan(1_000);
    expect(one).toBeLessThanOrEqual(1_256);
    expect(two).toBe(one + 1);
  });
});
