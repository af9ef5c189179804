import type { ChatId, GroupId, UserId } from '../ports/ids.ts';
import type { OutboxRecord } from '../ports/outbox-record.ts';
import { isForMany } from '../sealed/unnamed-send.ts';
import { SottoError } from '../sotto-error.ts';
import { type AcceptedSend, hasOutsiders } from './accepted-send.ts';
import { HeadStart } from './head-start.ts';
import { batchOf, largestBatch, leavingTogether } from './leaving-together.ts';
import { type EntryResult, goesWith, type QueueEntry, type ResultTaker, type SealedEntry } from './queue-entry.ts';
import type { ChatQueueParts } from './queue-parts.ts';
import { refusedKeys } from './refused-keys.ts';
import { RetryPause } from './retry-pause.ts';
import { goesOn, type SealOutcome } from './row-sealer.ts';
import { sealFailure } from './seal-failure.ts';
import { SendLane } from './send-lane.ts';
import type { SendOutcome } from './send-outcome.ts';
import { SendPace } from './send-pace.ts';

const largestWindow = 256;

/** The outbox of one chat: first in, first out, pipelined in a lane, sealed at the head while connected. */
export class ChatQueue implements ResultTaker {
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
  private readonly retryPause: RetryPause;
  readonly headStart: HeadStart;
  private readonly pace: SendPace;
  /** Whether what left last went beside the stream. */
  private beside = false;
  /** How many for many left together last; 0 when what left last was for one. */
  private forMany = 0;
  private working: Promise<void> | undefined;
  private woken = false;

  constructor(chatId: ChatId, parts: ChatQueueParts) {
    this.chatId = chatId;
    this.parts = parts;
    this.lane = new SendLane(parts.randomness);
    this.pace = new SendPace(parts);
    this.headStart = new HeadStart(parts, { onOver: () => this.wake() });
    this.retryPause = new RetryPause(parts, { isActive: () => this.online, onOver: () => this.wake() });
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
    this.retryPause.end();
    this.headStart.pause();
    this.pace.endRest();
  }

  /** There may be something to send. */
  wake(): void {
    if (this.working !== undefined) {
      this.woken = true;
      return;
    }
    if (!this.online || this.retryPause.isOn) return;
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

  /** These rows were withdrawn: what has not left stays here, and what is on its way is not sent again. */
  discard(rows: ReadonlySet<number>): void {
    for (const entry of this.entries) {
      if (!rows.has(entry.record.id)) continue;
      if (entry.inFlight) this.discarded.add(entry);
      else this.remove(entry, 'gone');
    }
    this.wake();
  }

  /** What it waited for has come about: it is tried now instead of later. */
  retry(): void {
    this.retryPause.end();
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
    for (const { entry, shares } of accepted) if (shares) this.noteRefusedKeys(entry, shares);
    const sure = accepted.filter(({ shares }) => !hasOutsiders(shares));
    if (sure.length > 0) await this.accept(sure);
    const unsure = sure.length < accepted.length ? accepted.filter(({ shares }) => hasOutsiders(shares)) : sure;
    if (unsure !== sure) await this.settleUnsure(unsure);
    for (const { entry, outcome } of refused) await this.settleRefusal(entry, outcome);
    if (connection === this.connection) this.landed(known);
    this.wake();
  }

  private async accept(accepted: readonly (AcceptedSend & { readonly entry: QueueEntry })[]): Promise<void> {
    this.retryPause.reset();
    const queued = await this.parts.commits.accepted(this.chatId, accepted);
    for (const { entry } of accepted) this.remove(entry, 'taken');
    if (queued.length > 0) this.parts.onQueued(queued);
  }

  /** The relay calls somebody no member: before they get a copy, the group's log is read, which says whether they are. */
  private async settleUnsure(accepted: readonly (AcceptedSend & { readonly entry: QueueEntry })[]): Promise<void> {
    if (await this.refreshed(accepted[0]?.record.groupId)) await this.accept(accepted);
    else this.retryPause.begin(undefined);
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
    if (!this.refusedForReason) this.retryPause.begin(undefined);
    this.refused = false;
    this.refusedForReason = false;
    this.lane.renew();
  }

  private async settleRefusal(entry: QueueEntry, outcome: Exclude<SendOutcome, { type: 'accepted' }>): Promise<void> {
    if (outcome.type === 'later') {
      this.retryPause.begin(outcome.afterMs);
    } else if (outcome.type === 'failed') {
      await this.fail(entry, outcome.code);
    } else if (outcome.type === 'devices-changed') {
      await this.takeDeviceList(entry, entry.record.recipient, outcome.deviceList);
    } else if (outcome.type === 'key-refused' || outcome.type === 'way-closed') {
      await this.nameSender(entry, outcome.type);
    } else if (outcome.type === 'group-unknown') {
      await this.takeGroup(entry);
    }
  }

  /** This user is no member any more, or the relay's table is wrong, which reading the log mends: what was sealed is sealed anew, or fails. */
  private async takeGroup({ record }: QueueEntry): Promise<void> {
    const isRead = await this.refreshed(record.groupId);
    if (isRead) await this.unseal(record);
    if (isRead) this.retryPause.again();
    else this.retryPause.begin(undefined);
  }

  /** To these people nothing goes without naming its sender, until another access key is known; or to groups, if the relay takes nothing for many. */
  private async nameSender(entry: QueueEntry, why: 'key-refused' | 'way-closed'): Promise<void> {
    if (why === 'way-closed') this.parts.onManyRefused();
    else this.noteRefusedKeys(entry);
    await this.unseal(entry.record);
    this.retryPause.again();
  }

  private noteRefusedKeys(entry: QueueEntry, shares?: Parameters<typeof refusedKeys>[1]): void {
    for (const { userId, accessKey } of refusedKeys(entry, shares)) this.parts.onKeyRefused(userId, accessKey);
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
        this.retryPause.begin(error.retryAfterMs);
        return;
      }
      if (!(error instanceof SottoError) || error.code !== 'device-list-invalid') throw error;
      await this.fail(entry, error.code);
      return;
    }
    for (const other of others) other.record = { ...other.record, sealed: undefined };
    this.retryPause.again();
  }

  private async work(): Promise<void> {
    for (;;) {
      await this.load();
      // Looked at after every wait: from here to the sealing nothing comes in between.
      if (!this.online || this.refused || this.retryPause.isOn || this.headStart.isOn()) return;
      const waiting = [...this.entries].filter((entry) => !entry.inFlight);
      const room = largestWindow - (this.entries.size - waiting.length);
      // Until a request beside the stream is answered nothing else leaves.
      if (this.beside && room < largestWindow) return;
      const wanted = Math.min(room, batchOf(waiting[0], this.forMany), waiting.length);
      const ready = waiting.slice(0, this.pace.room(wanted));
      if (ready.length < wanted) this.rest(waiting.length);
      if (ready.length === 0 || !(await this.sealAndSend(ready))) return;
    }
  }

  /** Goes on when the relay allows more. */
  private rest(waiting: number): void {
    if (this.online) this.pace.rest(waiting, () => this.wake());
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
      entry.isSealed = outcome?.status === 'sealed';
      if (outcome?.status === 'sealed') {
        sends.push({ entry, ...outcome });
        this.headStart.give(entry, outcome.keys);
      } else if (outcome?.status === 'gone') this.gone(entry);
      else if (outcome?.status === 'outside') await this.fail(entry, outcome.code);
    }
    // What was refused meanwhile goes first.
    if (connection !== this.connection || refusals !== this.refusals) return true;
    // Some may have been withdrawn since they were sealed.
    const leaving = sends.filter(({ entry }) => this.entries.has(entry));
    if (leaving.length > 0) {
      this.prepared.clear();
      return this.transmit(leaving);
    }
    const last = outcomes.at(-1);
    const stuck = ready[outcomes.length - 1];
    if (stuck === undefined || last === undefined || goesOn(last)) return true;
    const { record } = stuck;
    const waiting = ready.slice(outcomes.length - 1).filter((entry) => goesWith(entry.record, record));
    switch (last.status) {
      case 'failed':
        return this.sealingFailed(waiting, last.error);
      case 'later':
        this.retryPause.begin(undefined);
        return false;
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
      this.retryPause.begin(undefined);
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
    const held = sealed.findIndex(({ entry }) => this.headStart.holds(entry.keys ?? []));
    if (held === 0) return false;
    this.pace.head(sealed[0]?.send);
    const alike = this.leavingTogether(held < 0 ? sealed : sealed.slice(0, held));
    const sends = alike.slice(0, this.pace.room(alike.length));
    if (sends.length < alike.length) this.rest(sealed.length);
    if (sends.length === 0 || !this.handOver(sends)) return false;
    this.pace.take(sends.length);
    for (const { entry, send, sendId } of sends) {
      entry.inFlight = true;
      entry.recipients = send.recipients;
      this.parts.expectResult(sendId, entry);
    }
    return true;
  }

  private leavingTogether(sealed: readonly SealedEntry[]): readonly SealedEntry[] {
    const way = leavingTogether(sealed, [...this.entries].some(({ inFlight }) => inFlight) && { beside: this.beside });
    this.beside = way.beside;
    const [first] = way.sends;
    if (first !== undefined) this.forMany = isForMany(first.send) ? way.sends.length : 0;
    return way.sends;
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

  private async sealingFailed(entries: readonly QueueEntry[], cause: unknown): Promise<boolean> {
    const { failure, error } = sealFailure(cause);
    if (failure === 'later') this.retryPause.begin(error.retryAfterMs);
    if (failure !== 'final') return false;
    this.parts.logger.warn('outbox.failed', {
      code: error.code,
      ...(error.relayCode && { relayCode: error.relayCode }),
    });
    for (const entry of entries) await this.fail(entry, error.code);
    return true;
  }

  private async fail(entry: QueueEntry, code: string): Promise<void> {
    await this.parts.commits.failed(entry.record, code);
    this.gone(entry);
  }

  private gone(entry: QueueEntry): void {
    this.parts.onLeft();
    this.remove(entry, 'gone');
  }

  private remove(entry: QueueEntry, how: 'taken' | 'gone'): void {
    this.entries.delete(entry);
    this.parts.departures.left(entry.record.id, how);
  }
}

/** What sealing may lack that can be got. */
type Lack = Extract<SealOutcome['status'], `needs-${string}`>;
