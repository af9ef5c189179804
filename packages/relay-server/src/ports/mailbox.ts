import type { DeviceAddress, UserId } from './ids.ts';

/** One device's part of a send. */
export interface MailItem {
  readonly deviceId: number;
  /** An encoded Envelope, or the beginning of one, when the send has an end that all share. */
  readonly envelope: Uint8Array;
}

/** One recipient's part of a send: stored whole (but for full devices) or not at all. */
export interface MailRecipient {
  readonly userId: UserId;
  /** Whether the sender does not know the recipient's access key: then its mail also counts against the strangers' quota. */
  readonly stranger: boolean;
  readonly items: readonly MailItem[];
}

/** What sends have in common of which none may be stored after an earlier one failed: a lane. */
export interface MailOrder {
  /** One of them was not stored. */
  broken: boolean;
  /** A recipient did not accept a strict one. */
  refused?: boolean;
}

/** A send as it goes into the mailboxes. */
export interface MailAppend {
  /** Whose send_id it is: an identified sender's device, and where an incarnation is named that one alone; `undefined` for a sealed one, of whom nothing is known or kept. */
  readonly sender: MailDevice | undefined;
  /** 16 bytes; of sealed senders it alone tells one send from another. */
  readonly sendId: Uint8Array;
  readonly recipients: readonly MailRecipient[];
  /** How the envelopes of all items end: given behind each of them, kept once. */
  readonly shared?: Uint8Array | undefined;
  /** Of a send to a group, when it is known: where mail has an order among that of its group, it is kept by this. */
  readonly groupId?: Uint8Array | undefined;
  readonly acceptedAt: number;
  readonly expiresAt: number;
  /** When it is broken at the time of storing, nothing is stored: `store-unavailable`. An append that fails breaks it, before any later one is stored. */
  readonly order?: MailOrder | undefined;
  /** Whether it ends its order when a recipient does not accept it: what comes later of that order is `superseded` then, and not stored. */
  readonly strict?: boolean;
}

/**
 * `full`: none of the devices had room. `gone`: one of the devices, or the sender's, is not listed by its account any more, or the account has ended; no device has a result.
 * With both, nothing was stored for this recipient and nothing is recorded.
 */
export interface MailResult {
  readonly userId: UserId;
  readonly status: 'accepted' | 'full' | 'gone';
  readonly devices: readonly { readonly deviceId: number; readonly status: 'accepted' | 'full' }[];
}

/** What became of a send. A repeated one has the times of the first. */
export interface MailReceipt {
  /** Whether there was a record and this call stored nothing. A retry that only now finds room for a recipient isn't one. */
  readonly repeated: boolean;
  readonly acceptedAt: number;
  readonly expiresAt: number;
  readonly results: readonly MailResult[];
}

/** One stored envelope. */
export interface MailEntry {
  /** Opaque, at most 32 bytes, stable for the life of the entry, not guessable. */
  readonly deliveryId: Uint8Array;
  readonly envelope: Uint8Array;
}

/** Whose mailbox it is. With an incarnation, that device alone: another one that has its address by now meets nothing of what is asked for this one. */
export interface MailDevice extends DeviceAddress {
  readonly incarnation?: string;
}

/** Walks one device's mailbox in order, for one connection. */
export interface MailReader {
  /**
   * The next entries that this reader has not given yet, oldest first, at most `limit`; empty when there is none now.
   * Never passes over an entry, whenever it was appended: what becomes visible late is given late. Leaves out what has expired at `now`.
   */
  next(limit: number, now: number): Promise<readonly MailEntry[]>;
}

/** What one device holds, expired mail that was not deleted yet included. */
export interface MailUsage {
  readonly count: number;
  readonly bytes: number;
  /** Of these, what came from strangers. */
  readonly strangerCount: number;
  readonly strangerBytes: number;
  /** When the oldest that is left was accepted. */
  readonly oldest: number | undefined;
}

/** Quotas of one device's mailbox: checked before accepting; mail is refused, never trimmed. */
export interface MailQuota {
  readonly count: number;
  readonly bytes: number;
  /** The part that all strangers together may take up. */
  readonly strangerCount: number;
  readonly strangerBytes: number;
}

/**
 * Mailboxes of devices: the queue is the truth.
 *
 * `append` resolves when the mail is durable, and only then may a result leave. What is given is durable, but it may be given a moment before its append resolves: in a cluster, other nodes read the log as soon as it has the mail. The same (sender, sendId) again gives the recorded results of the recipients that were accepted, for 8 days after the first, and stores nothing for them;
 * the others are tried anew. In a cluster an append rejects with `send-claimed` while another node is at the same send. Whether a device is still there is decided when the mail is stored: an append behind the end of an account or device leaves nothing of it. Bytes that were passed in are not changed by the caller afterwards.
 * An end that several envelopes share is there as long as one of them is, counts whole for each device, and goes with the last. An entry whose end is lost is passed over, and has its time.
 * `ack` deletes: afterwards no method gives the entry again, also after the store was closed and opened. In a cluster that holds while no node dies, and engines answer those that stop in time: else what was acked a moment before may be given once more, and clients drop it by its message id. Ids that are not (or no longer) this device's are passed over.
 */
export interface Mailbox {
  append(append: MailAppend, quota: MailQuota): Promise<MailReceipt>;
  /** The recorded receipt of an earlier send, if there is one: the recipients that were accepted, and no others. */
  recorded(sender: MailDevice | undefined, sendId: Uint8Array): Promise<MailReceipt | undefined>;
  reader(device: MailDevice): MailReader;
  /** Resolves when the deletion is durable, or, in a cluster, will be when this node has stopped in order; gives how many entries went. */
  ack(device: MailDevice, deliveryIds: readonly Uint8Array[]): Promise<number>;
  usage(device: DeviceAddress): Promise<MailUsage>;
  /** Deletes what has expired at `now`, and receipts recorded more than 8 days before; gives how many entries went. */
  expire(now: number): Promise<number>;
  /** Overwrites deleted mail on disk, as far as the engine can; afterwards no file of the store holds it. */
  scrub(): Promise<void>;
}
