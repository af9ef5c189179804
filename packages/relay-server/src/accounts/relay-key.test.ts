import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemRandomness } from '../platform/system-randomness.ts';
import { RelayKey } from './relay-key.ts';
import { openRelayKeyFile } from './relay-key-file.ts';

const randomKey = () => new RelayKey(systemRandomness.bytes(32), systemRandomness);

describe('RelayKey', () => {
  it('knows a number again and opens what it sealed, and no other key does', () => {
    const [key, other] = [randomKey(), randomKey()];
    expect(key.macOfNumber('+14155550101')).toEqual(key.macOfNumber('+14155550101'));
    expect(key.macOfNumber('+14155550101')).not.toEqual(other.macOfNumber('+14155550101'));
    const sealed = key.encryptNumber('+14155550101');
    expect(Buffer.from(sealed).toString('latin1')).not.toContain('14155550101');
    expect(sealed).not.toEqual(key.encryptNumber('+14155550101'));
    expect(key.decryptNumber(sealed)).toBe('+14155550101');
    expect(() => other.decryptNumber(sealed)).toThrow('restore the key');
    expect(() => key.decryptNumber(sealed.subarray(1))).toThrow('restore the key');
  });

  it('binds a code to its verification', () => {
    const key = randomKey();
    expect(key.macOfCode('a', '123456')).not.toEqual(key.macOfCode('b', '123456'));
  });
});

describe('relay.key', () => {
  const inFolder = async (run: (folder: string) => Promise<void>) => {
    const folder = await mkdtemp(join(tmpdir(), 'sotto-key-'));
    await run(folder);
    await rm(folder, { recursive: true });
  };
  const open = (folder: string, databaseExists = false) =>
    openRelayKeyFile({ folder, databaseExists, randomness: systemRandomness });

  it('is made once, for its owner’s eyes, also by two starts at once', () =>
    inFolder(async (folder) => {
      const [one, two] = await Promise.all([open(folder), open(folder)]);
      expect(one).toEqual(two);
      expect(one).toHaveLength(32);
      expect(await open(folder, true)).toEqual(one);
      expect((await stat(join(folder, 'relay.key'))).mode & 0o777).toBe(0o600);
      expect(await readdir(folder)).toEqual(['relay.key']);
    }));

  it('that is lost or cut short is said to be, and nothing is made in its place', () =>
    inFolder(async (folder) => {
      await expect(open(folder, true)).rejects.toMatchObject({ code: 'store-corrupt' });
      expect(await readdir(folder)).toEqual([]);
      await writeFile(join(folder, 'relay.key'), 'short');
      await expect(open(folder)).rejects.toMatchObject({ code: 'store-corrupt' });
      await chmod(join(folder, 'relay.key'), 0o600);
    }));
});
