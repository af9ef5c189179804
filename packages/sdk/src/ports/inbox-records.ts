import type { GroupId, MessageId, UserId } from './ids.ts';

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
  | 'content-invalid'
  | 'no-sender-key'
  | 'group-revision'
  | 'group-head-unknown'
  | 'group-unknown'
  | 'group-mismatch'
  | 'not-a-member'
  | 'own-list-behind'
  | 'certificate-invalid';

/** An envelope that was acked but could not be shown: kept, with its reason. */
export interface HeldRecord {
  /** SHA-256 of the envelope's ciphertext; of the whole envelope when it has none. */
  readonly digest: Uint8Array;
  /** The encoded Envelope as it came. */
  readonly envelope: Uint8Array;
  readonly reason: HeldReason;
  readonly heldAt: number;
  /** Counts what was held in the order in which it came: a position that is never given twice. */
  readonly arrival: number;
  /** How often it was tried again. */
  readonly retries: number;
  /** Who sent it, as the envelope says; undefined when that can't be read. */
  readonly sender: UserId | undefined;
  /** Which message it is, as the envelope says. */
  readonly messageId: MessageId | undefined;
  /** The group that it came to, as the envelope says. */
  readonly groupId: GroupId | undefined;
  /** Whether it may be shown after all: once another attempt of its sender takes its place, or this device knows more. */
  readonly mendable: boolean;
  /** How often its sender was asked to send it again. */
  readonly requests: number;
  /** When to ask the next time; undefined when not. */
  readonly requestAt: number | undefined;
}

/** What is held of one sender. */
export interface HeldUsage {
  readonly sender: UserId | undefined;
  readonly count: number;
  /** Of the envelopes. */
  readonly bytes: number;
}
