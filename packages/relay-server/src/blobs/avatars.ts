import type { BlobStore } from '../ports/blob-store.ts';
import type { UserId } from '../ports/ids.ts';

/** The most bytes of an encrypted avatar: 1 MiB, and what encryption adds. */
export const avatarBytes = 1024 * 1024 + 1024;

/** The most accounts of which it is remembered whether they have one. */
const mostRemembered = 100_000;

/** Encrypted pictures of accounts; they never expire. */
export class Avatars {
  readonly #blobs: BlobStore;
  readonly #known = new Map<UserId, boolean>();

  constructor(blobs: BlobStore) {
    this.#blobs = blobs;
  }

  async put(userId: UserId, bytes: Uint8Array): Promise<void> {
    this.#known.delete(userId);
    await this.#blobs.put(keyOf(userId), bytes);
    this.#known.delete(userId);
  }

  get(userId: UserId): Promise<Uint8Array | undefined> {
    return this.#blobs.get(keyOf(userId));
  }

  async delete(userId: UserId): Promise<void> {
    this.#known.delete(userId);
    await this.#blobs.delete(keyOf(userId));
    this.#known.delete(userId);
  }

  async has(userId: UserId): Promise<boolean> {
    const known = this.#known.get(userId);
    if (known !== undefined) return known;
    const has = (await this.get(userId)) !== undefined;
    if (this.#known.size >= mostRemembered) this.#known.clear();
    this.#known.set(userId, has);
    return has;
  }
}

function keyOf(userId: UserId): string {
  return `avatars/${userId}`;
}
