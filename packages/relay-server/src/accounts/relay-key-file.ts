import { chmod, link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Randomness } from '../ports/randomness.ts';
import { RelayError } from '../relay-error.ts';
import { relayKeyBytes } from './relay-key.ts';

/** What `openRelayKeyFile` needs to know. */
export interface RelayKeyFileOptions {
  /** The relay's data folder; the key is `relay.key` in it. */
  readonly folder: string;
  /** Whether a database is there already: then a missing key is a loss, not a first start. */
  readonly databaseExists: boolean;
  readonly randomness: Randomness;
}

/**
 * Reads `relay.key` (32 bytes, readable by its owner only), or makes it at the first start, durably and never half.
 * @throws {RelayError} `store-corrupt` when it is missing beside a database or has another length; `store-unavailable` when it can't be read or written
 */
export async function openRelayKeyFile(options: RelayKeyFileOptions): Promise<Uint8Array> {
  const path = join(options.folder, 'relay.key');
  const found = await readIfThere(path);
  if (found !== undefined) return checked(found);
  if (options.databaseExists) {
    throw new RelayError(
      'store-corrupt',
      'relay.key is missing beside an existing database: restore it from your backup (without it no number can be found), or start with an empty data folder.',
    );
  }
  try {
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    await makeKey(path, options.randomness);
  } catch (cause) {
    throw new RelayError('store-unavailable', 'relay.key can not be written: check the data folder and its rights.', {
      cause,
    });
  }
  return checked(await readFile(path));
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new RelayError('store-unavailable', 'relay.key can not be read: check its owner and rights.', { cause });
  }
}

/** Written beside and linked into place: a crash leaves either no key or a whole one, and of two starts at once both read the same. */
async function makeKey(path: string, randomness: Randomness): Promise<void> {
  const draft = `${path}.${Buffer.from(randomness.bytes(8)).toString('hex')}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(randomness.bytes(relayKeyBytes));
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(draft, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await rm(draft, { force: true });
  }
  await chmod(path, 0o600);
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function checked(key: Uint8Array): Uint8Array {
  if (key.length !== relayKeyBytes) {
    throw new RelayError('store-corrupt', `relay.key has to have ${relayKeyBytes} bytes: restore it from your backup.`);
  }
  return key;
}
