import { createHash } from 'node:crypto';
import { goneResult } from '../adapters/gone-result.ts';
import { breakOrder, endOrder, refusalBehind } from '../adapters/lane-order.ts';
import { userIdToBytes } from '../adapters/user-id-bytes.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeviceIncarnation } from '../ports/device-incarnation.ts';
import type { DeviceId, UserId } from '../ports/ids.ts';
import { type ListedDevices, type ListedUser, listedDevice } from '../ports/listed-devices.ts';
import type { LedgerEntry, MailLedger } from '../ports/mail-ledger.ts';
import type { LogFence, LogPosition, MailLog } from '../ports/mail-log.ts';
import type { MailAppend, MailOrder, MailQuota, MailReceipt, MailRecipient, MailResult } from '../ports/mailbox.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { SendKey, SendReceipt, SendReceipts } from '../ports/send-receipts.ts';
import { RelayError } from '../relay-error.ts';
import { type AppendTurn, AppendTurns } from './append-turns.ts';
import { entryIdLength } from './delivery-id.ts';
import { namedDevice } from './device-key.ts';
import { encodeMailRecord, type RecordItem } from './mail-records.ts';
import type { NodeFailure } from './node-failure.ts';
import { OrderTurns } from './order-turns.ts';
import { RestingEngine } from './resting-engine.ts';

/**
 * Longer than what lies between a claim and its end takes while the engines do what they should, a broker that has to be asked twice included.
 *
 * What a node had claimed that died is refused for so long; what takes longer may be stored by another node as well, and receivers drop the second.
 */
const leaseMs = 20_000;
/** Who finds a send claimed is to wait for no less than this, since most claims end soon. */
const leastWaitMs = 1_000;

/** What a record has besides its shared end and its items, with its key, and an item besides its envelope: at most. */
const recordHeadBytes = 1_024;
const itemHeadBytes = 128;

/** Where mail stands in the log. */
export interface MailTopics {
  /** Of mail that is for one user. */
  readonly toUser: string;
  /** Of mail whose envelopes share their end. */
  readonly toGroup: string;
}

/**
 * By whom records of mail for one user are told apart. `recipient`: all mail of a user has one order, and its devices read from one partition. `sender`: that of each sender has, so that who gets very much mail does not have one partition do all the work; its devices read from all of them.
 *
 * Sealed mail names no sender, and goes by its recipient always. May be changed at any time: what was appended before has no order with what comes after.
 */
export type TopicKey = 'recipient' | 'sender';

/** What a `MailAppender` works with. */
export interface MailAppenderParts {
  readonly log: MailLog;
  readonly topics: MailTopics;
  readonly topicKey?: TopicKey;
  readonly receipts: SendReceipts;
  readonly ledger: MailLedger;
  readonly listed: ListedDevices;
  readonly randomness: Randomness;
  /** The most bytes that the log takes as one record; any number by default. */
  readonly recordBytes?: number;
  /** By which receipts are kept. */
  readonly now: () => number;
  /** By which an engine that failed is left alone for a moment. */
  readonly clock: Clock;
  /** Something went wrong that costs no mail. */
  readonly failed: (event: NodeFailure, error: unknown) => void;
  /** A record is durable. */
  readonly appended?: (position: LogPosition, devices: readonly DeviceIncarnation[]) => void;
}

/** A recipient that is to be stored: with the entries that had room. */
interface Stored {
  readonly result: MailResult;
  readonly items: readonly RecordItem[];
}

/** A send that is this call's to store. */
interface Claim {
  readonly key: SendKey;
  readonly token: string;
}

/** An append's place among the others. */
interface Line {
  /** Resolves when all before it have asked for their room: then it may ask. */
  readonly counts: AppendTurn;
  /** Resolves when it may go into the log. */
  readonly ready: Promise<unknown>;
  /** It is in the log's hands: the next one may go. */
  readonly issued: () => void;
}

/** One record that is to be appended, and for whom. */
interface Batch {
  readonly topic: string;
  readonly key: Uint8Array;
  readonly stored: readonly Stored[];
}

/**
 * Makes sends durable: claimed by their id, counted in, appended to the log, recorded.
 *
 * Mail for one user goes into the log in the order in which it was appended here, and is counted in this order. Its room is asked for before it is known what came of the one before it: when it may not be stored behind that one, it gives its room back, which was held for that moment. After a crash between the steps a send that was not answered may stand in the log without a receipt, or be counted without a record:
 * sent again it comes twice, which receivers know by its message id; what is counted too much ends with its time. So does one whose claim has ended before it was settled, when it was sent again through another node.
 *
 * While receipts or ledger can't be had, mail is stored without: a send that comes again is stored again, and nothing is counted.
 */
export class MailAppender {
  readonly #parts: MailAppenderParts;
  readonly #turns = new AppendTurns<UserId>();
  readonly #counts = new AppendTurns<UserId>();
  readonly #orders = new OrderTurns();
  readonly #fences = new WeakMap<MailOrder, LogFence>();
  readonly #sends = new AppendTurns<string>();
  readonly #receipts: RestingEngine;
  readonly #ledger: RestingEngine;

  constructor(parts: MailAppenderParts) {
    this.#parts = parts;
    this.#receipts = new RestingEngine(parts.clock, (error) => parts.failed('receipts.claim-failed', error));
    this.#ledger = new RestingEngine(parts.clock, (error) => parts.failed('ledger.reserve-failed', error));
  }

  async append(append: MailAppend, quota: MailQuota): Promise<MailReceipt> {
    const { order, recipients } = append;
    const behind = refusalBehind(order);
    if (behind !== undefined) throw behind;
    const inOrder = order && this.#orders.enter(order, this.#placeOf(append));
    const users = recipients.map(({ userId }) => userId);
    const counts = this.#counts.enter(users);
    const turn = this.#turns.enter(users);
    const again = this.#sends.enter([sendName(append)]);
    const line: Line = {
      counts,
      ready: Promise.all([inOrder?.ready, turn.ready]),
      issued: () => {
        turn.leave();
        inOrder?.issued();
      },
    };
    try {
      await again.ready;
      const receipt = await this.#claimed(append, quota, line);
      await line.ready;
      endOrder(append, receipt);
      return receipt;
    } catch (error) {
      // What came before it has nothing to do with it.
      await line.ready;
      breakOrder(order);
      throw error;
    } finally {
      for (const place of [counts, turn, again, inOrder]) place?.leave();
    }
  }

  /** Claims and looks up whatever it may before its turn has come. */
  async #claimed(append: MailAppend, quota: MailQuota, line: Line): Promise<MailReceipt> {
    const { receipts, listed, now } = this.#parts;
    const { sender: address, sendId, recipients } = append;
    const sender = address && namedDevice(await listed.of(address.userId), address);
    if (address !== undefined && sender === undefined) return receiptOf(append, undefined, recipients.map(goneResult));
    const key: SendKey = { sender, sendId };
    const users = recipients.map(({ userId }) => userId);
    const at = now();
    const claim = await this.#receipts.ask(() => receipts.claim(key, users, at, leaseMs));
    if (claim === undefined) {
      return receiptOf(append, undefined, await this.#store(append, quota, undefined, line));
    }
    if (claim.status === 'claimed') {
      throw new RelayError('send-claimed', 'Another node is storing this send: send it again.', {
        retryable: true,
        retryAfterMs: waitFor(claim.endsAt - at),
      });
    }
    if (claim.status === 'recorded') return receiptOf(append, claim.receipt, []);
    const { token, receipt: before } = claim;
    const left = recipients.filter(({ userId }) => !before?.results.some((result) => result.userId === userId));
    let results: readonly MailResult[];
    try {
      results = await this.#store({ ...append, recipients: left }, quota, { key, token }, line);
    } catch (error) {
      await receipts
        .abandon(key, token)
        .catch((cause: unknown) => this.#parts.failed('receipts.abandon-failed', cause));
      throw error;
    }
    return receiptOf(append, before, results);
  }

  async #store(
    append: MailAppend,
    quota: MailQuota,
    claim: Claim | undefined,
    line: Line,
  ): Promise<readonly MailResult[]> {
    const { listed } = this.#parts;
    const { recipients } = append;
    const known = await Promise.all(recipients.map(({ userId }) => listed.of(userId)));
    await line.counts.ready;
    const before = refusalBehind(append.order);
    if (before !== undefined) throw before;
    const reserving = recipients.map((recipient, at) => this.#reserve(recipient, known[at], append, quota));
    // The next ones need not wait for the answers: the ledger counts in the order of the calls.
    line.counts.leave();
    const reserved = await Promise.allSettled(reserving);
    const stored = reserved.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const failure = reserved.find((outcome) => outcome.status === 'rejected');
    if (failure !== undefined) {
      await this.#release(stored);
      throw failure.reason;
    }
    await line.ready;
    const behind = refusalBehind(append.order);
    if (behind !== undefined) {
      await this.#release(stored);
      throw behind;
    }
    const batches = this.#batchesOf(append, stored);
    // Called one after the other, so that the log has them in this order.
    const appending = batches.map((batch) => this.#appendBatch(append, batch));
    endOrder(append, { results: stored.map(({ result }) => result) });
    line.issued();
    const outcomes = await Promise.allSettled(appending);
    const lost = batches.filter((_, at) => outcomes[at]?.status === 'rejected').flatMap((batch) => batch.stored);
    const durable = stored.filter((each) => !lost.includes(each)).map(({ result }) => result);
    await this.#release(lost);
    if (claim !== undefined) await this.#settle(claim, append, durable);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return durable;
  }

  /** What is there for a recipient, and what has room of it; the room is taken. */
  async #reserve(
    recipient: MailRecipient,
    user: ListedUser | undefined,
    { shared, acceptedAt, expiresAt }: MailAppend,
    quota: MailQuota,
  ): Promise<Stored> {
    const { ledger, randomness } = this.#parts;
    const { userId, stranger } = recipient;
    const items: RecordItem[] = [];
    for (const { deviceId, envelope } of recipient.items) {
      const device = user && listedDevice(user, { userId, deviceId: deviceId as DeviceId });
      if (device === undefined) return { result: goneResult(recipient), items: [] };
      items.push({ device, entryId: randomness.bytes(entryIdLength), envelope });
    }
    const entries = items.map(({ device, entryId, envelope }): LedgerEntry => {
      return { device, entryId, size: envelope.length + (shared?.length ?? 0), stranger, acceptedAt, expiresAt };
    });
    let statuses: readonly ('accepted' | 'full')[];
    try {
      const reserved = entries.length === 0 ? [] : await this.#ledger.ask(() => ledger.reserve(entries, quota));
      statuses = reserved ?? entries.map(() => 'accepted');
    } catch (error) {
      await this.#release([{ result: goneResult(recipient), items }]);
      throw error;
    }
    const devices = recipient.items.map(({ deviceId }, at) => ({
      deviceId,
      status: statuses[at] ?? ('full' as const),
    }));
    const accepted = items.filter((_, at) => statuses[at] === 'accepted');
    const status = accepted.length === 0 ? 'full' : 'accepted';
    return { result: { userId, status, devices }, items: accepted };
  }

  /** One record a recipient, or one for all who share an end: several when they don't fit into one, each with that end. */
  #batchesOf(append: MailAppend, stored: readonly Stored[]): Batch[] {
    const { topics } = this.#parts;
    const { shared, groupId, recipients } = append;
    const accepted = stored.filter(({ items }) => items.length > 0);
    if (accepted.length === 0) return [];
    if (shared !== undefined) {
      const key = groupId ?? keyOfUsers(recipients);
      return this.#recordsOf(accepted, shared.length).map((each) => ({ topic: topics.toGroup, key, stored: each }));
    }
    return accepted.map((each) => {
      return { topic: topics.toUser, key: userIdToBytes(this.#keyUser(append, each.result.userId)), stored: [each] };
    });
  }

  /** What goes into one record each. A recipient who does not fit into any has one, which the log refuses. */
  #recordsOf(all: readonly Stored[], sharedBytes: number): readonly Stored[][] {
    const { recordBytes = Number.POSITIVE_INFINITY } = this.#parts;
    const records: Stored[][] = [];
    let left = 0;
    for (const each of all) {
      const bytes = each.items.reduce((sum, { envelope }) => sum + envelope.length + itemHeadBytes, 0);
      if (bytes > left || records.length === 0) {
        records.push([]);
        left = recordBytes - recordHeadBytes - sharedBytes;
      }
      records.at(-1)?.push(each);
      left -= bytes;
    }
    return records;
  }

  async #appendBatch(append: MailAppend, { topic, key, stored }: Batch): Promise<void> {
    const { log, appended } = this.#parts;
    const { acceptedAt, expiresAt, shared, order } = append;
    const items = stored.flatMap((each) => each.items);
    const record = encodeMailRecord({ acceptedAt, expiresAt, shared, items });
    // Of an order only what goes to one place is in the log's hands at once.
    const fence = order && this.#placeOf(append) !== undefined ? this.#fenceOf(order) : undefined;
    const position = await log.append(topic, key, record, {}, fence);
    appended?.(
      position,
      items.map(({ device }) => device),
    );
  }

  /** Where all of a send goes in the log; `undefined` when it goes to several places. */
  #placeOf(append: MailAppend): string | undefined {
    const { topics } = this.#parts;
    const { recipients, shared, groupId } = append;
    if (shared !== undefined) {
      return `${topics.toGroup} ${Buffer.from(groupId ?? keyOfUsers(recipients)).toString('latin1')}`;
    }
    const [one, ...others] = new Set(recipients.map(({ userId }) => this.#keyUser(append, userId)));
    return one === undefined || others.length > 0 ? undefined : `${topics.toUser} ${one}`;
  }

  /** By whom a record for a user is told apart. */
  #keyUser({ sender }: MailAppend, userId: UserId): UserId {
    return this.#parts.topicKey === 'sender' && sender !== undefined ? sender.userId : userId;
  }

  #fenceOf(order: MailOrder): LogFence {
    const fence = this.#fences.get(order) ?? { broken: false };
    this.#fences.set(order, fence);
    return fence;
  }

  /** Records what is durable. When that fails the mail is there nevertheless, and a send that comes again is stored again. */
  async #settle({ key, token }: Claim, append: MailAppend, results: readonly MailResult[]): Promise<void> {
    const { receipts, now, failed } = this.#parts;
    const { acceptedAt, expiresAt } = append;
    try {
      await receipts.settle(key, token, { acceptedAt, expiresAt, results }, now());
    } catch (error) {
      failed('receipts.settle-failed', error);
    }
  }

  /** Counts out what was not stored; what stays counted ends with its time. */
  async #release(stored: readonly Stored[]): Promise<void> {
    const { ledger, failed } = this.#parts;
    const items = stored.flatMap((each) => each.items);
    const releasing = items.map(({ device, entryId }) => ledger.release(device, [entryId]));
    for (const outcome of await Promise.allSettled(releasing)) {
      if (outcome.status === 'rejected') failed('ledger.release-failed', outcome.reason);
    }
  }
}

/** When to come again for what is claimed for so long: the older the claim is, the later, since whoever has it is the likelier to be gone; never later than it ends. */
function waitFor(leftMs: number): number {
  return Math.min(Math.max(leaseMs - leftMs, leastWaitMs), Math.max(leftMs, 1));
}

/** The receipt of an append: what was recorded before, and what came of the rest. */
function receiptOf(append: MailAppend, before: SendReceipt | undefined, results: readonly MailResult[]): MailReceipt {
  const { acceptedAt, expiresAt } = before ?? append;
  const all = new Map([...(before?.results ?? []), ...results].map((result) => [result.userId, result]));
  const stored = results.some(({ status }) => status === 'accepted');
  return {
    repeated: before !== undefined && !stored,
    acceptedAt,
    expiresAt,
    results: append.recipients.flatMap(({ userId }) => all.get(userId) ?? []),
  };
}

/** Under which mail for the same users stays in order, when no group is known. */
function keyOfUsers(recipients: readonly MailRecipient[]): Uint8Array {
  const hash = createHash('sha256');
  for (const userId of recipients.map((recipient) => recipient.userId).sort()) hash.update(userId);
  return hash.digest();
}

function sendName({ sender, sendId }: MailAppend): string {
  return `${sender === undefined ? 'sealed' : `${sender.userId}.${sender.deviceId}`}.${Buffer.from(sendId).toString('latin1')}`;
}
