import type { BlobStore } from '../ports/blob-store.ts';
import { type HarnessMaker, hex, holds, refusalOf, suite } from './harness.ts';
import type { Runner } from './runner.ts';
import { someBytes } from './samples.ts';

/** What every `BlobStore` must hold. */
export function blobStoreConformance(runner: Runner, maker: HarnessMaker<{ readonly blobs: BlobStore }>): void {
  const { expect } = runner;
  suite(runner, 'BlobStore', maker, ({ check, checkWith }) => {
    check('gives back what was put, byte for byte', async ({ stores: { blobs } }) => {
      for (const size of [0, 1, 4096, 1_050_000]) {
        const bytes = someBytes(size);
        await blobs.put(`avatars/${size}`, bytes);
        expect(hex(await blobs.get(`avatars/${size}`)) === hex(bytes)).toBe(true);
      }
      expect(await blobs.get('avatars/none')).toBe(undefined);
    });

    check('replaces and deletes; deleting nothing is harmless', async ({ stores: { blobs } }) => {
      const [old, next] = [someBytes(50), someBytes(20)];
      await blobs.put('a', old);
      await blobs.put('a', next);
      expect(hex(await blobs.get('a'))).toBe(hex(next));
      await blobs.delete('a');
      expect(await blobs.get('a')).toBe(undefined);
      await blobs.delete('a');
    });

    check('keys that look like a folder and a file in it live side by side', async ({ stores: { blobs } }) => {
      const keys = ['a', 'a/b', 'a/b/c', 'a-b', 'a/', '/a', '-', `x/${'y'.repeat(198)}`];
      const contents = keys.map(() => someBytes(10));
      for (const [index, key] of keys.entries()) await blobs.put(key, contents[index] ?? someBytes(1));
      for (const [index, key] of keys.entries()) expect(hex(await blobs.get(key))).toBe(hex(contents[index]));
    });

    check('parallel puts of one key leave one of them whole', async ({ stores: { blobs } }) => {
      const versions = Array.from({ length: 20 }, () => someBytes(20_000));
      await Promise.all(versions.map((bytes) => blobs.put('a', bytes)));
      const left = hex(await blobs.get('a'));
      expect(versions.filter((bytes) => hex(bytes) === left).length).toBe(1);
    });

    check('refuses what is not a key, in every method', async ({ stores: { blobs } }) => {
      for (const key of ['', '..', '../a', 'a/../b', './a', 'A', 'a b', 'a\0', 'a\n', 'ä', 'a\\b', 'a'.repeat(201)]) {
        expect(await refusalOf(blobs.put(key, someBytes(1)))).toBe('request-malformed');
        expect(await refusalOf(blobs.get(key))).toBe('request-malformed');
        expect(await refusalOf(blobs.delete(key))).toBe('request-malformed');
      }
    });

    checkWith('reopen', 'blobs outlive a restart', async (harness) => {
      const bytes = someBytes(3000);
      await harness.stores.blobs.put('avatars/1', bytes);
      await harness.stores.blobs.put('avatars/2', bytes);
      await harness.stores.blobs.delete('avatars/2');
      await harness.reopen();
      expect(hex(await harness.stores.blobs.get('avatars/1'))).toBe(hex(bytes));
      expect(await harness.stores.blobs.get('avatars/2')).toBe(undefined);
    });

    checkWith('files', 'no file holds a deleted or replaced blob', async (harness) => {
      const [replaced, deleted] = [someBytes(100), someBytes(100)];
      await harness.stores.blobs.put('a', replaced);
      await harness.stores.blobs.put('b', deleted);
      const before = await harness.files();
      expect([holds(before, replaced), holds(before, deleted)]).toEqual([true, true]);
      await harness.stores.blobs.put('a', someBytes(100));
      await harness.stores.blobs.delete('b');
      const after = await harness.files();
      expect([holds(after, replaced), holds(after, deleted)]).toEqual([false, false]);
    });
  });
}
