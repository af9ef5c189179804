import type { BlobStore } from '../../ports/blob-store.ts';
import { checkBlobKey } from '../blob-key.ts';

/** Blobs in memory. */
export class MemoryBlobStore implements BlobStore {
  readonly #blobs: Map<string, Uint8Array>;

  constructor(blobs: Map<string, Uint8Array> = new Map()) {
    this.#blobs = blobs;
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    checkBlobKey(key);
    this.#blobs.set(key, bytes.slice());
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    checkBlobKey(key);
    return this.#blobs.get(key);
  }

  async delete(key: string): Promise<void> {
    checkBlobKey(key);
    this.#blobs.delete(key);
  }
}
