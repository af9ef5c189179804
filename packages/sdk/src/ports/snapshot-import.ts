import type { GroupId, UserId } from './ids.ts';

/** A person as another own device, or a backup, knows them. */
export interface SnapshotContact {
  readonly userId: UserId;
  /** E.164; empty when only the id is known. */
  readonly number: string;
  readonly username: string;
  /** 32 bytes. Secret. */
  readonly profileKey: Uint8Array | undefined;
  readonly blockedAt: number | undefined;
}

/** The settings of a conversation. Exactly one of `userId` and `groupId` is set. */
export interface SnapshotChat {
  readonly userId: UserId | undefined;
  readonly groupId: GroupId | undefined;
  readonly accepted: boolean;
  readonly mutedUntil: number | undefined;
  readonly receipts: boolean | undefined;
}

/** A group with its state as it was then; the log says what it has become since. */
export interface SnapshotGroup {
  /** An encoded GroupWelcome. Holds a secret. */
  readonly welcome: Uint8Array;
  /** Encoded GroupKeys with earlier keys; undefined when there are none. Secret. */
  readonly keys: Uint8Array | undefined;
}

/**
 * Takes over what somebody else knows of the own account: another own device, or a backup.
 *
 * Any part may come again, and in any order: what is known here and newer is kept.
 */
export interface SnapshotImport {
  contact(contact: SnapshotContact): Promise<void>;
  chat(chat: SnapshotChat): Promise<void>;
  group(group: SnapshotGroup): Promise<void>;
}
