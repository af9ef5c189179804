/** Ciphertext too large for a row, by key. Avatars today. */
export interface BlobStore {
  /** Durable when it resolves; replaces what was there, never half. Keys match `[a-z0-9/-]{1,200}`. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  get(key: string): Promise<Uint8Array | undefined>;
  /** Harmless when there is nothing. */
  delete(key: string): Promise<void>;
}
