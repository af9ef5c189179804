/** What was seen before: SHA-256 of a ciphertext (32 bytes) or a message id (16 bytes). Kept for 62 days. */
export interface SeenRecord {
  readonly key: Uint8Array;
  readonly at: number;
}

/** Why an envelope could not be opened or applied. */
export type HeldReason =
  | 'malformed-envelope'
  | 'unknown-suite'
  | 'unknown-kind'
  | 'wrong-recipient'
  | 'counter-jump'
  | 'malformed-ciphertext'
  | 'no-session'
  | 'missing-prekey'
  | 'replayed-prekey'
  | 'not-a-duplicate'
  | 'undecryptable'
  | 'malformed-content'
  | 'sender-mismatch'
  | 'message-id-mismatch'
  | 'content-invalid';

/** An envelope that was acked but could not be shown: kept, with its reason. */
export interface HeldRecord {
  /** SHA-256 of the envelope's ciphertext; of the whole envelope when it has none. */
  readonly digest: Uint8Array;
  /** The encoded Envelope as it came. */
  readonly envelope: Uint8Array;
  readonly reason: HeldReason;
  readonly heldAt: number;
  /** How often it was tried again. */
  readonly retries: number;
}
