import type { DeviceIncarnation } from './device-incarnation.ts';
import type { MailQuota, MailUsage } from './mailbox.ts';

/** One envelope of a device, as the ledger knows it. */
export interface LedgerEntry {
  readonly device: DeviceIncarnation;
  /** 1 to 32 bytes, chosen at random by who reserves, before it is known where the envelope will stand: 16 of them are enough. */
  readonly entryId: Uint8Array;
  /** Bytes that it counts: below 2^31. */
  readonly size: number;
  readonly stranger: boolean;
  readonly acceptedAt: number;
  readonly expiresAt: number;
}

/**
 * How much mail each device holds: what quotas are held against. The mail itself is elsewhere.
 *
 * All of it may be lost at any time: then devices hold nothing, as far as the ledger knows, and what is released was not there. That costs the exactness of quotas and counts, never mail.
 */
export interface MailLedger {
  /**
   * Counts entries in, one after the other, where there is room: gives for each whether there was. What has expired counts until it is swept.
   *
   * Atomic for all entries of one user: no other call comes between them. An id that its device has already is `accepted` and counts as it did the first time. After an error it is not known which were counted: the same call again, or a release, sets that right; else they count until they expire.
   * @throws {RelayError} `internal` for an entry that breaks the bounds of its fields: nothing is counted
   */
  reserve(entries: readonly LedgerEntry[], quota: MailQuota): Promise<readonly ('accepted' | 'full')[]>;
  /** Counts entries out; gives how many the device still had. Ids that it has not (any more) are passed over. */
  release(device: DeviceIncarnation, entryIds: readonly Uint8Array[]): Promise<number>;
  /** `oldest` is exact for devices that hold at most 1,000 entries, and never later than the truth for others. */
  usage(device: DeviceIncarnation): Promise<MailUsage>;
  /**
   * Counts out entries of any device that have expired at `now`, at most `limit`; gives how many. Fewer than `limit`: there were no more.
   *
   * Several sweepers at once share the entries: each is counted by one of them.
   */
  expire(now: number, limit: number): Promise<number>;
  /**
   * When the entry of any device that ends first does, as far as is known: never later than the truth, and the truth when it is asked again and again while few devices change. What has expired counts until it is swept. `undefined`: nobody holds anything.
   *
   * For metrics: with one time to live for all mail it tells since when the oldest waits.
   */
  nextEnd(): Promise<number | undefined>;
  /** Counts out all that a device has, which is gone. */
  forget(device: DeviceIncarnation): Promise<void>;
}
