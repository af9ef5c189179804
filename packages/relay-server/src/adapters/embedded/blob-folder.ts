import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobStore } from '../../ports/blob-store.ts';
import type { Randomness } from '../../ports/randomness.ts';
import { checkBlobKey } from '../blob-key.ts';
import { storeFailure } from './store-failure.ts';

/** Blobs as files of one folder: written beside, synced, then renamed, so that a reader sees all of the old or all of the new. */
export class BlobFolder implements BlobStore {
  readonly #folder: string;
  readonly #unfinished: string;
  readonly #randomness: Randomness;

  private constructor(folder: string, randomness: Randomness) {
    this.#folder = join(folder, 'stored');
    this.#unfinished = join(folder, 'unfinished');
    this.#randomness = randomness;
  }

  /**
   * Opens or creates the folder, and removes what a crash left unfinished.
   * @throws {RelayError} `store-unavailable`
   */
  static async open(folder: string, randomness: Randomness): Promise<BlobFolder> {
    const blobs = new BlobFolder(folder, randomness);
    await guarded(async () => {
      await rm(blobs.#unfinished, { recursive: true, force: true });
      for (const path of [blobs.#folder, blobs.#unfinished]) await mkdir(path, { recursive: true, mode: 0o700 });
    });
    return blobs;
  }

  put(key: string, bytes: Uint8Array): Promise<void> {
    return guarded(async () => {
      const path = this.#path(key);
      const beside = join(this.#unfinished, Buffer.from(this.#randomness.bytes(16)).toString('hex'));
      try {
        const file = await open(beside, 'wx', 0o600);
        try {
          await file.writeFile(bytes);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(beside, path);
      } catch (error) {
        await rm(beside, { force: true });
        throw error;
      }
      await syncFolder(this.#folder);
    });
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return guarded(async () => {
      try {
        return await readFile(this.#path(key));
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      }
    });
  }

  delete(key: string): Promise<void> {
    return guarded(async () => {
      await rm(this.#path(key), { force: true });
      await syncFolder(this.#folder);
    });
  }

  /** One file a key, whatever its slashes: no key can name a folder, or anything outside. */
  #path(key: string): string {
    checkBlobKey(key);
    return join(this.#folder, key.replaceAll('/', '_'));
  }
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storeFailure(error);
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
