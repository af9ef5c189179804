import type { DeviceIncarnation } from './device-incarnation.ts';
import type { UserId } from './ids.ts';
import type { MailResult } from './mailbox.ts';

/** Which send, and whose. */
export interface SendKey {
  /** The sending device. `undefined` when it is sealed: such sends are known by their ids alone, and are others than those of any device. */
  readonly sender: DeviceIncarnation | undefined;
  /** 16 bytes. */
  readonly sendId: Uint8Array;
}

/** What is recorded of a send. */
export interface SendReceipt {
  /** Of what was recorded first. */
  readonly acceptedAt: number;
  /** Of what was recorded first. */
  readonly expiresAt: number;
  /** Of the recipients that were accepted, each once, in the order in which they were recorded. */
  readonly results: readonly MailResult[];
}

/**
 * `fresh`: the send is the caller's until its lease ends, for the recipients that `receipt` does not have; `receipt` is what was recorded of the others, if anything was.
 * `recorded`: all recipients that were asked for have been accepted before. `claimed`: somebody else is on it now, until `endsAt` at the latest.
 */
export type SendClaim =
  | { readonly status: 'fresh'; readonly token: string; readonly receipt: SendReceipt | undefined }
  | { readonly status: 'recorded'; readonly receipt: SendReceipt }
  | { readonly status: 'claimed'; readonly endsAt: number };

/**
 * What became of sends, so that one that is sent again is stored once: between `claim` and `settle` the mail is made durable elsewhere.
 *
 * A record answers for 8 days after its `acceptedAt` (or what the adapter was told instead), to the millisecond, by the `now` of each call; its last millisecond included. A record that is lost costs a second copy of what is sent again, which receivers know by its message id; never mail.
 * Records of a device's sends are out of reach when it is gone, since nobody has its incarnation again, and nothing that is kept names it. Nothing that is kept tells anything of a sealed sender.
 */
export interface SendReceipts {
  /**
   * Takes a send for `leaseMs`, unless all of `recipients` are recorded, or somebody has it.
   *
   * Of two claims at once, on whichever node, one is `fresh` at most. The lease ends by itself at `now + leaseMs`, for claimers that died; `leaseMs` is longer than what lies between claim and settle takes when all is well. When it took longer, the send may be somebody else's by now, and both store it:
   * then their settles are added up, and receivers know the second copy by its message id. After an error it may have been taken: then it is nobody's until the lease ends.
   */
  claim(key: SendKey, recipients: readonly UserId[], now: number, leaseMs: number): Promise<SendClaim>;
  /**
   * Records who was accepted, and ends the lease of `token`; gives the record as it is then.
   *
   * Adds to what is recorded: results and times that are there stay as they are, whoever comes late, and a lease that somebody else has by now goes on. Results that are not `accepted` are passed over; when nothing is recorded there is no record: `undefined`.
   */
  settle(key: SendKey, token: string, receipt: SendReceipt, now: number): Promise<SendReceipt | undefined>;
  /** Ends the lease of `token`, if it has not ended: nothing came of it. What was recorded before stays. */
  abandon(key: SendKey, token: string): Promise<void>;
  /** What is recorded, whoever is on it now. */
  recorded(key: SendKey, now: number): Promise<SendReceipt | undefined>;
}
