import { describe, expect, it } from 'vitest';
import { userIdOf } from '../../test/numbered-uuid.ts';
import { cursorRecord as cursor } from '../conformance/store-cases.ts';
import { RecordOverlay } from './overlay.ts';

const numbers = { nextPosition: () => 1, nextOutboxId: () => 1 };
const empty = { get: async () => undefined, pending: () => [] };

function overlayOn(below: ConstructorParameters<typeof RecordOverlay>[0] = empty) {
  return new RecordOverlay(below, numbers);
}

describe('an overlay', () => {
  it('reads its own writes, then what lies below', async () => {
    const below = overlayOn();
    below.put('cursor', cursor('a', 1));
    below.put('cursor', cursor('b', 1));
    const overlay = overlayOn(below);
    overlay.put('cursor', cursor('a', 2));
    overlay.delete('cursor', { name: 'b' });
    expect(await overlay.get('cursor', { name: 'a' })).toEqual(cursor('a', 2));
    expect(await overlay.get('cursor', { name: 'b' })).toBeUndefined();
    expect(await below.get('cursor', { name: 'a' })).toEqual(cursor('a', 1));
    expect(await below.get('cursor', { name: 'b' })).toEqual(cursor('b', 1));
  });

  it('tells what was put of a kind and is not in the store yet, each once and as it is last', () => {
    const below = overlayOn();
    below.put('cursor', cursor('a', 1));
    below.put('cursor', cursor('b', 1));
    below.put('cursor', cursor('c', 1));
    const overlay = overlayOn(below);
    overlay.put('cursor', cursor('a', 2));
    overlay.delete('cursor', { name: 'b' });
    overlay.put('cursor', cursor('d', 2));
    expect(overlay.pending('cursor')).toEqual([cursor('c', 1), cursor('a', 2), cursor('d', 2)]);
    expect(below.pending('cursor')).toHaveLength(3);
    expect(overlay.pending('message')).toEqual([]);
  });

  it('keeps records of different kinds with the same key apart', async () => {
    const overlay = overlayOn();
    overlay.put('prekey', {
      kind: 'ec',
      id: 7,
      record: Uint8Array.of(1),
      createdAt: 0,
      replacedAt: undefined,
      uploaded: true,
    });
    expect(await overlay.get('prekey', { kind: 'kyber', id: 7 })).toBeUndefined();
    expect(await overlay.get('outbox', { id: 7 })).toBeUndefined();
  });

  it('keeps a part that ends and drops a part that throws, with facts and prunes', async () => {
    const overlay = overlayOn();
    overlay.put('cursor', cursor('a', 1));
    await overlay.attempt((part) => {
      part.put('cursor', cursor('a', 2));
      part.record({ type: 'identity.changed', userId: userIdOf(1) });
    });
    const dropped = overlay.attempt(async (part) => {
      part.put('cursor', cursor('a', 3));
      part.delete('cursor', { name: 'a' });
      part.put('cursor', cursor('b', 3));
      part.prune({ kind: 'seen', before: 3 });
      part.record({ type: 'identity.changed', userId: userIdOf(2) });
      throw new Error('no');
    });
    await expect(dropped).rejects.toThrow('no');
    expect(await overlay.get('cursor', { name: 'a' })).toEqual(cursor('a', 2));
    expect(overlay.collected()).toEqual({
      changes: [{ type: 'put', kind: 'cursor', record: cursor('a', 2) }],
      facts: [{ type: 'identity.changed', userId: userIdOf(1) }],
    });
  });

  it('nests attempts: an inner one that throws harms the outer one not at all', async () => {
    const overlay = overlayOn();
    await overlay.attempt(async (outer) => {
      outer.put('cursor', cursor('a', 1));
      await expect(
        outer.attempt((inner) => {
          inner.put('cursor', cursor('a', 2));
          throw new Error('inner');
        }),
      ).rejects.toThrow('inner');
      expect(await outer.get('cursor', { name: 'a' })).toEqual(cursor('a', 1));
    });
    expect(await overlay.get('cursor', { name: 'a' })).toEqual(cursor('a', 1));
  });

  it('merges the last word on each record, and puts prunes behind all changes', () => {
    const overlay = overlayOn();
    const one = overlayOn(overlay);
    const two = overlayOn(overlay);
    one.prune({ kind: 'event', before: 5 });
    one.put('cursor', cursor('a', 1));
    two.put('cursor', cursor('b', 2));
    two.delete('cursor', { name: 'a' });
    overlay.merge(one);
    overlay.merge(two);
    expect(overlay.collected().changes).toEqual([
      { type: 'delete', kind: 'cursor', key: { name: 'a' } },
      { type: 'put', kind: 'cursor', record: cursor('b', 2) },
      { type: 'prune', kind: 'event', before: 5 },
    ]);
  });
});
