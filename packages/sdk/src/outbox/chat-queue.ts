import type { ClientFrameFields, SendFields } from '@sotto/proto';
import type { Rate } from '../limits/token-bucket.ts';
import type { Clock } from '../ports/clock.ts';
import type { ChatId, GroupId, UserId } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { OutboxRecord } from '../ports/outbox-record.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { StoreQueries } from '../ports/store.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';
import type { Tracer } from '../ports/tracer.ts';
import { sizeOfPost } from '../sealed/sealed-post.ts';
import { isToSame, isUnnamed } from '../sealed/unnamed-send.ts';
import { SottoError, type SottoErrorCode } from '../sotto-error.ts';
import { fullJitter } from '../transport/backoff.ts';
import type { AcceptedSend } from './accepted-send.ts';
import type { OutboxCommits } from './outbox-commits.ts';
import { Pacer, type SendRates } from './pacer.ts';
import type { SealOutcome } from './row-sealer.ts';
import type { Sealer } from './sealer.ts';
import { SendLane } from './send-lane.ts';
import type { SendOutcome } from './send-outcome.ts';

const largestBatch = 128;
const largestWindow = 256;

/** What sealing may end in for good: words about the recipient. A refusal of any other kind says nothing of the message, which loses nothing by waiting. */
const endings: ReadonlySet<string> = new Set<SottoErrorCode>([
  'user-unknown',
  'bundle-invalid',
  'device-list-invalid',
  'group-unknown',
  'group-not-member',
]);

/** What sealing may end in that the user has to do something about, who wakes the queue by it. */
const waitsForUser: ReadonlySet<string> = new Set<SottoErrorCode>(['identity-changed', 'group-forked']);

const unlimited: Rate = { burst: 0, perSecond: 0 };

/** What a chat's queue works with. */
export interface ChatQueueParts {
  readonly store: StoreQueries;
  readonly sealer: Sealer;
  readonly commits: OutboxCommits;
  /** Makes sessions with all devices of a person, over the network. */
  readonly makeSessions: (userId: UserId) => Promise<void>;
  /** Takes the device list of a person over, over the network. */
  readonly learnDevices: (userId: UserId) => Promise<void>;
  /** Gets a certificate of this device, over the network. */
  readonly makeCertificate: () => Promise<void>;
  /** The relay does not take this access key of somebody. */
  readonly onKeyRefused: (userId: UserId, accessKey: Uint8Array) => void;
  /** Hands Sends to one person to the relay, beside the stream, which would name their sender. Their results come as those of the stream do. */
  readonly post: (sends: readonly SendFields[]) => void;
  /** Reads a group's log to its end, over the network, and takes it over. */
  readonly refreshGroup: (groupId: GroupId) => Promise<void>;
  /** Something was put into other queues. */
  readonly onQueued: (chatIds: readonly ChatId[]) => void;
  /** Hands frames to the stream; false when it is not open. `handed` is called once their bytes were given to the socket. */
  readonly transmit: (frames: readonly ClientFrameFields[], handed: () => void) => boolean;
  /** Tells whose result a send id is. */
  readonly expectResult: (sendId: Uint8Array, entry: QueueEntry) => void;
  /** Something failed for good, and left the outbox. */
  readonly onLeft: () => void;
  /** How fast the relay lets this account send. */
  readonly rates: () => SendRates;
  /** Counts what all chats of this device send. */
  readonly devicePacer: Pacer;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly randomness: Randomness;
  readonly tracer: Tracer;
  readonly logger: Logger;
  readonly onFailure: (error: unknown) => void;
}

/** A record of the outbox in the window of its chat. */
export interface QueueEntry {
  readonly queue: ChatQueue;
  record: OutboxRecord;
  /** Its bytes left on this connection, and there is no result yet. */
  inFlight: boolean;
  /** The access key that its bytes showed when they left last. */
  accessKey?: Uint8Array | undefined;
}

/** What became of an entry's send. */
export interface EntryResult {
  readonly entry: QueueEntry;
  readonly outcome: SendOutcome;
}

/** An entry with the bytes that are to leave. */
interface SealedEntry {
  readonly entry: QueueEntry;
  readonly send: SendFields;
  readonly sendId: Uint8Array;
}

/** The outbox of one chat: first in, first out, pipelined in a lane, sealed at the head while connected. */
export class ChatQueue {
  private readonly chatId: ChatId;
  private readonly parts: ChatQueueParts;
  private readonly lane: SendLane;
  /** In the order of the queue. */
  private readonly entries = new Set<QueueEntry>();
  /** On their way when their rows were withdrawn: they wait for their result alone. */
  private readonly discarded = new Set<QueueEntry>();
  private loadedUpTo = 0;
  private connection = 0;
  private online = false;
  /** A send was refused: nothing leaves until all that is in flight has its result. */
  private refused = false;
  /** Of what was refused, something was for a reason of its own: the rest is only superseded. */
  private refusedForReason = false;
  private refusals = 0;
  /** What sealing lacked (sessions, the device list) and was just got, so that it should go through now. */
  private readonly prepared = new Set<Lack>();
  private failures = 0;
  /** How often the relay said when to come again, since something was accepted. */
  private postponed = 0;
  private cancelRetry: CancelTimer | undefined;
  private readonly pacer = new Pacer();
  /** Where the last one that left went: to a group, to somebody whose access key it showed, or to anybody else. */
  private towards: 'group' | 'contact' | 'stranger' = 'stranger';
  /** Whether what left last went beside the stream. */
  private beside = false;
  private cancelPause: CancelTimer | undefined;
  private working: Promise<void> | undefined;
  private woken = false;

  constructor(chatId: ChatId, parts: ChatQueueParts) {
    this.chatId = chatId;
    this.parts = parts;
    this.lane = new SendLane(parts.randomness);
  }

  /** The stream is open: what was in flight on the one before is sent again, as it was. */
  connected(): void {
    this.disconnected();
    this.online = true;
    this.wake();
  }

  /** The stream is gone. */
  disconnected(): void {
    this.online = false;
    this.connection++;
    this.refused = false;
    this.refusedForReason = false;
    this.lane.renew();
    for (const entry of this.discarded) this.entries.delete(entry);
    this.discarded.clear();
    for (const entry of this.entries) entry.inFlight = false;
    this.cancelRetry?.();
    this.cancelRetry = undefined;
    this.cancelPause?.();
    this.cancelPause = undefined;
  }

  /** There may be something to send. */
  wake(): void {
    if (this.working !== undefined) {
      this.woken = true;
      return;
    }
    if (!this.online || this.cancelRetry !== undefined) return;
    this.working = Promise.resolve()
      .then(() => this.work())
      .catch((error: unknown) => this.parts.onFailure(error))
      .finally(() => {
        this.working = undefined;
        if (this.woken) {
          this.woken = false;
          this.wake();
        }
      });
  }

  /** All rows that belong to no group were withdrawn: what has not left stays here, and what is on its way is not sent again. */
  discard(): void {
    for (const entry of this.entries) {
      if (entry.record.groupId !== undefined) continue;
      if (entry.inFlight) this.discarded.add(entry);
      else this.entries.delete(entry);
    }
    this.wake();
  }

  /** What it waited for has come about: it is tried now instead of later. */
  retry(): void {
    this.cancelRetry?.();
    this.cancelRetry = undefined;
    this.wake();
  }

  /** Resolves when nothing is being sealed or committed. */
  async idle(): Promise<void> {
    await this.working;
  }

  /** Takes the results of one turn: one commit for all that were accepted. */
  async settle(results: readonly EntryResult[]): Promise<void> {
    const { connection } = this;
    const known = results.filter(({ entry }) => this.entries.has(entry));
    // They stay in flight while their results are committed: they must not leave again meanwhile.
    const refused = known.flatMap(({ entry, outcome }) => (outcome.type === 'accepted' ? [] : [{ entry, outcome }]));
    if (refused.length > 0) {
      this.refused = true;
      this.refusals++;
      this.refusedForReason ||= refused.some(({ outcome }) => outcome.type !== 'superseded');
    }
    const accepted = known.flatMap(({ entry, outcome }) =>
      outcome.type === 'accepted' ? [{ entry, record: entry.record, ...outcome }] : [],
    );
    const sure = accepted.filter(({ shares }) => !hasOutsiders(shares));
    if (sure.length > 0) await this.accept(sure);
    const unsure = sure.length < accepted.length ? accepted.filter(({ shares }) => hasOutsiders(shares)) : sure;
    if (unsure !== sure) await this.settleUnsure(unsure);
    for (const { entry, outcome } of refused) await this.settleRefusal(entry, outcome);
    if (connection === this.connection) this.landed(known);
    this.wake();
  }

  private async accept(accepted: readonly (AcceptedSend & { readonly entry: QueueEntry })[]): Promise<void> {
    this.failures = 0;
    this.postponed = 0;
    const queued = await this.parts.commits.accepted(this.chatId, accepted);
    for (const { entry } of accepted) this.entries.delete(entry);
    if (queued.length > 0) this.parts.onQueued(queued);
  }

  /** The relay calls somebody no member: before they get a copy, the group's log is read, which says whether they are. */
  private async settleUnsure(accepted: readonly (AcceptedSend & { readonly entry: QueueEntry })[]): Promise<void> {
    if (await this.refreshed(accepted[0]?.record.groupId)) await this.accept(accepted);
    else this.retryLater(undefined);
  }

  /** Whether a group's log could be read. */
  private async refreshed(groupId: GroupId | undefined): Promise<boolean> {
    try {
      if (groupId !== undefined) await this.parts.refreshGroup(groupId);
      return true;
    } catch (error) {
      if (!(error instanceof SottoError) || error.code.startsWith('store-')) throw error;
      this.parts.logger.info('outbox.group-unread', { code: error.code });
      return false;
    }
  }

  /** After a refusal, the last one that lands opens a new lane. */
  private landed(results: readonly EntryResult[]): void {
    for (const { entry } of results) entry.inFlight = false;
    if (!this.refused || [...this.entries].some((other) => other.inFlight)) return;
    // A relay that calls everything superseded is not asked in a tight loop.
    if (!this.refusedForReason) this.retryLater(undefined);
    this.refused = false;
    this.refusedForReason = false;
    this.lane.renew();
  }

  private async settleRefusal(entry: QueueEntry, outcome: Exclude<SendOutcome, { type: 'accepted' }>): Promise<void> {
    if (outcome.type === 'later') {
      this.retryLater(outcome.afterMs);
    } else if (outcome.type === 'failed') {
      await this.fail(entry, outcome.code);
    } else if (outcome.type === 'devices-changed') {
      await this.takeDeviceList(entry, entry.record.recipient, outcome.deviceList);
    } else if (outcome.type === 'key-refused') {
      await this.nameSender(entry);
    } else if (outcome.type === 'group-unknown') {
      await this.takeGroup(entry);
    }
  }

  /** This user is no member any more, or the relay's table is wrong, which reading the log mends: what was sealed is sealed anew, or fails. */
  private async takeGroup({ record }: QueueEntry): Promise<void> {
    const isRead = await this.refreshed(record.groupId);
    if (isRead) await this.unseal(record);
    this.failures++;
    if (!isRead || this.failures > 1) this.retryLater(undefined);
  }

  /** To this person nothing goes without naming its sender, until another access key is known. */
  private async nameSender({ record, accessKey }: QueueEntry): Promise<void> {
    if (record.recipient !== undefined && accessKey) this.parts.onKeyRefused(record.recipient, accessKey);
    await this.unseal(record);
    // Once is the normal case; a relay that refuses what shows no key is not asked in a tight loop.
    this.failures++;
    if (this.failures > 1) this.retryLater(undefined);
  }

  /** Has all that goes where this one goes sealed anew. */
  private async unseal(record: OutboxRecord): Promise<void> {
    const others = [...this.entries].filter((other) => goesWith(other.record, record));
    await this.parts.commits.unseal(
      this.chatId,
      others.map((other) => other.record.id),
    );
    for (const other of others) other.record = { ...other.record, sealed: undefined };
  }

  private async takeDeviceList(entry: QueueEntry, recipient: UserId | undefined, signed: Uint8Array): Promise<void> {
    // Only a Send to one person is answered so.
    if (recipient === undefined) return;
    const others = [...this.entries].filter((other) => goesWith(other.record, entry.record));
    const sealed = others.map((other) => other.record.id);
    try {
      await this.parts.commits.devicesChanged(this.chatId, recipient, signed, sealed);
    } catch (error) {
      if (error instanceof SottoError && error.code === 'device-list-forked') {
        this.retryLater(error.retryAfterMs);
        return;
      }
      if (!(error instanceof SottoError) || error.code !== 'device-list-invalid') throw error;
      await this.fail(entry, error.code);
      return;
    }
    for (const other of others) other.record = { ...other.record, sealed: undefined };
    // Once is the normal case; a relay that says so again and again is not asked in a tight loop.
    this.failures++;
    if (this.failures > 1) this.retryLater(undefined);
  }

  private async work(): Promise<void> {
    for (;;) {
      await this.load();
      // Looked at after every wait: from here to the sealing nothing comes in between.
      if (!this.online || this.refused || this.cancelRetry !== undefined) return;
      const waiting = [...this.entries].filter((entry) => !entry.inFlight);
      const room = largestWindow - (this.entries.size - waiting.length);
      const wanted = Math.min(room, largestBatch, waiting.length);
      const ready = waiting.slice(0, this.room(wanted, this.parts.clock.now()));
      if (ready.length < wanted) this.pause(waiting.length);
      if (ready.length === 0 || !(await this.sealAndSend(ready))) return;
    }
  }

  /** What the relay allows to this recipient. */
  private get limit(): Rate {
    return this.towards === 'group' ? unlimited : this.parts.rates()[this.towards];
  }

  /** How many of these sends the relay allows now. */
  private room(wanted: number, now: number): number {
    const { devicePacer, rates } = this.parts;
    return Math.min(this.pacer.room(wanted, this.limit, now), devicePacer.room(wanted, rates().device, now));
  }

  /** Goes on when the relay allows more. */
  private pause(waiting: number): void {
    if (!this.online || this.cancelPause !== undefined) return;
    const { clock, timers, devicePacer, rates } = this.parts;
    const now = clock.now();
    const wait = Math.max(this.pacer.wait(waiting, this.limit, now), devicePacer.wait(waiting, rates().device, now));
    this.cancelPause = timers.after(wait, () => {
      this.cancelPause = undefined;
      this.wake();
    });
  }

  private async load(): Promise<void> {
    if (this.entries.size >= largestWindow) return;
    const records = await this.parts.store.outbox(this.chatId, this.loadedUpTo, largestBatch);
    for (const record of records) {
      this.entries.add({ queue: this, record, inFlight: false });
      this.loadedUpTo = record.id;
    }
  }

  /** Seals these and lets their bytes leave, as far as they go; whether to go on. */
  private async sealAndSend(ready: readonly QueueEntry[]): Promise<boolean> {
    const { connection, refusals } = this;
    const outcomes = await this.parts.sealer.seal(ready.map(({ record }) => record));
    const sends: SealedEntry[] = [];
    for (const [at, entry] of ready.entries()) {
      const outcome = outcomes[at];
      if (outcome?.status === 'sealed') sends.push({ entry, ...outcome });
      else if (outcome?.status === 'gone') this.left(entry);
    }
    // What was refused meanwhile goes first.
    if (connection !== this.connection || refusals !== this.refusals) return true;
    if (sends.length > 0) {
      this.prepared.clear();
      return this.transmit(sends);
    }
    const last = outcomes.at(-1);
    const stuck = ready[outcomes.length - 1];
    if (stuck === undefined || last === undefined) return true;
    const { record } = stuck;
    const waiting = ready.slice(outcomes.length - 1).filter((entry) => goesWith(entry.record, record));
    switch (last.status) {
      case 'failed':
        return this.sealingFailed(waiting, last.error);
      case 'later':
        this.retryLater(undefined);
        return false;
      case 'sealed':
      case 'gone':
        return true;
      default:
        return this.prepare(last.status, record, waiting);
    }
  }

  /** How to get what sealing lacks. */
  private async get(what: Lack, { recipient, groupId }: OutboxRecord): Promise<void> {
    const { makeSessions, learnDevices, makeCertificate, sealer } = this.parts;
    if (what === 'needs-certificate') await makeCertificate();
    else if (recipient !== undefined) await (what === 'needs-sessions' ? makeSessions : learnDevices)(recipient);
    else if (groupId !== undefined) await sealer.readGroup(groupId);
  }

  private async prepare(what: Lack, record: OutboxRecord, waiting: readonly QueueEntry[]): Promise<boolean> {
    if (this.prepared.has(what)) {
      this.prepared.clear();
      this.retryLater(undefined);
      return false;
    }
    try {
      await this.get(what, record);
      this.prepared.add(what);
      return true;
    } catch (error) {
      return this.sealingFailed(waiting, error);
    }
  }

  private transmit(sealed: readonly SealedEntry[]): boolean {
    const now = this.parts.clock.now();
    const next = sealed[0]?.send;
    if (next?.groupId?.length) this.towards = 'group';
    else this.towards = next?.recipients?.[0]?.accessKey?.length ? 'contact' : 'stranger';
    const alike = this.leavingTogether(sealed);
    const sends = alike.slice(0, this.room(alike.length, now));
    if (sends.length < alike.length) this.pause(sealed.length);
    if (sends.length === 0 || !this.handOver(sends)) return false;
    this.pacer.take(sends.length, this.limit, now);
    this.parts.devicePacer.take(sends.length, this.parts.rates().device, now);
    for (const { entry, send, sendId } of sends) {
      entry.inFlight = true;
      entry.accessKey = send.recipients?.[0]?.accessKey ?? undefined;
      this.parts.expectResult(sendId, entry);
    }
    return true;
  }

  /** What may leave next in one way, over the stream or beside it. Both at once would not keep the order, nor would two requests. */
  private leavingTogether(sealed: readonly SealedEntry[]): readonly SealedEntry[] {
    const [first] = sealed;
    if (first === undefined) return [];
    const unnamed = isUnnamed(first.send);
    const isBusy = [...this.entries].some(({ inFlight }) => inFlight);
    if (isBusy && (unnamed || this.beside)) return [];
    this.beside = unnamed;
    const end = sealed.findIndex(({ send }) => isUnnamed(send) !== unnamed || (unnamed && !isToSame(send, first.send)));
    const alike = end < 0 ? sealed : sealed.slice(0, end);
    return unnamed ? alike.slice(0, sizeOfPost(alike.map(({ send }) => send))) : alike;
  }

  /** Whether these are on their way. */
  private handOver(sends: readonly SealedEntry[]): boolean {
    const { tracer, transmit, post } = this.parts;
    if (!this.beside) {
      const frames = sends.map(({ send }) => ({ send: { ...send, ...this.lane.take() } }));
      return transmit(frames, () => tracer.reached('send.bytes-left'));
    }
    post(sends.map(({ send }) => send));
    return true;
  }

  private async sealingFailed(entries: readonly QueueEntry[], error: unknown): Promise<boolean> {
    if (!(error instanceof SottoError) || error.code.startsWith('store-') || error.code === 'client-stopped') {
      throw error;
    }
    if (waitsForUser.has(error.code)) return false;
    if (error.retryable || !endings.has(error.code)) {
      this.retryLater(error.retryAfterMs);
      return false;
    }
    this.parts.logger.warn('outbox.failed', {
      code: error.code,
      ...(error.relayCode && { relayCode: error.relayCode }),
    });
    for (const entry of entries) await this.fail(entry, error.code);
    return true;
  }

  private async fail(entry: QueueEntry, code: string): Promise<void> {
    await this.parts.commits.failed(entry.record, code);
    this.left(entry);
  }

  private left(entry: QueueEntry): void {
    this.parts.onLeft();
    this.entries.delete(entry);
  }

  /** The relay's word is taken as it is at first; one that says so again and again is not asked in a tight loop. */
  private patience(): number {
    const times = this.postponed++;
    return times === 0 ? 0 : fullJitter(times - 1, this.parts.randomness);
  }

  private retryLater(afterMs: number | undefined): void {
    if (!this.online) return;
    this.cancelRetry?.();
    const wait =
      afterMs === undefined ? fullJitter(this.failures++, this.parts.randomness) : Math.max(afterMs, this.patience());
    this.cancelRetry = this.parts.timers.after(wait, () => {
      this.cancelRetry = undefined;
      this.wake();
    });
  }
}

/** What sealing may lack that can be got. */
type Lack = Extract<SealOutcome['status'], `needs-${string}`>;

/** Whether two rows go to the same person, or to the same group. */
function goesWith(one: OutboxRecord, other: OutboxRecord): boolean {
  if (one.recipient !== other.recipient) return false;
  return one.recipient !== undefined || one.groupId === other.groupId;
}

/** Whether the relay called a recipient no member of the group. */
function hasOutsiders(shares: AcceptedSend['shares']): boolean {
  return shares !== undefined && [...shares.values()].includes('not-member');
}
