import type { DeviceKey, LaneId } from '../../src/dispatch/delivery-lane.ts';
import { type InboxEvent, inboxWakeAt, newDeviceInbox, stepInbox } from '../../src/dispatch/device-inbox.ts';
import { FetchedOffsets, type OffsetProgress } from '../../src/dispatch/fetched-offsets.ts';
import type { NodeMessage } from '../../src/dispatch/hand-over.ts';
import type { DeviceInbox, InboxEffect, StoredSpan } from '../../src/dispatch/inbox-state.ts';
import type { LaneEvent } from '../../src/dispatch/lane-dispatch.ts';
import {
  newPartitionDispatch,
  type PartitionDispatch,
  type PartitionEffect,
  type PartitionEvent,
  partitionWakeAt,
  startOffset,
  stepPartition,
} from '../../src/dispatch/partition-dispatch.ts';
import type { Holder } from '../../src/ports/presence.ts';
import { Violation } from './ledger.ts';
import { endOfDay } from './pending-rows.ts';
import type { SimConn } from './sim-client.ts';
import type { SimLog } from './sim-log.ts';
import type { Surroundings } from './surroundings.ts';

/** A partition that a node owns, or believes that it owns. */
export interface Owned {
  readonly log: SimLog;
  readonly dispatch: PartitionDispatch;
  position: number;
  paused: boolean;
  /** Given to somebody else, which the node has not learned. */
  lost: boolean;
}

/** A stream at a node. */
export interface Session {
  readonly inbox: DeviceInbox;
  readonly conn: SimConn;
  /** The epoch that its last claim gave, kept apart from the machine's. */
  epoch: string | undefined;
}

type Queued =
  | { readonly owned: Owned; readonly effect: PartitionEffect }
  | { readonly session: Session; readonly effect: InboxEffect };

/** A watermark that passes holes: planted. */
class HoleyOffsets implements OffsetProgress {
  readonly #true = new FetchedOffsets();
  #highest: number | undefined;

  get open(): number {
    return this.#true.open;
  }

  fetched(offset: number): void {
    this.#true.fetched(offset);
  }

  resolved(offset: number): void {
    this.#true.resolved(offset);
    this.#highest = Math.max(this.#highest ?? 0, offset + 1);
  }

  watermark(): number | undefined {
    return this.#highest;
  }
}

/** A relay node: dispatcher and gateway. It carries out what the machines want, one effect after the other, and may die between any two. */
export class SimNode {
  readonly index: number;
  readonly name: string;
  readonly skew: number;
  readonly #world: Surroundings;
  readonly #outbox: Queued[] = [];
  up = true;
  paused = false;
  /** Grows with each start: answers to an earlier life are for nobody. */
  life = 0;
  generation = 0;
  owned: Owned[] = [];
  sessions: Session[] = [];
  /** Effects are carried out one by one, as events of the schedule. */
  buffered = false;

  constructor(index: number, skew: number, world: Surroundings) {
    this.index = index;
    this.name = `n${index}`;
    this.skew = skew;
    this.#world = world;
  }

  get clock(): number {
    return this.#world.now + this.skew;
  }

  get runs(): boolean {
    return this.up && !this.paused;
  }

  get hasEffects(): boolean {
    return this.#outbox.length > 0;
  }

  /** What a crash now would keep from happening. */
  get nextEffect(): string {
    return this.#outbox[0]?.effect.kind ?? 'nothing';
  }

  crash(): void {
    this.up = false;
    this.paused = false;
    this.life++;
    this.#outbox.length = 0;
    this.owned = [];
    this.sessions = [];
  }

  assign(log: SimLog): void {
    const { bug, generation } = this.#world;
    const { slot, lane } = log;
    const commit =
      bug === 'commit-without-topic-id' && slot.commit !== undefined ? { ...slot.commit, lane } : slot.commit;
    let start = startOffset(lane, commit);
    if (bug === 'spill-forgotten-at-take-over') start = Math.max(start, slot.fetchedTo);
    const offsets = bug === 'commit-past-a-hole' ? new HoleyOffsets() : new FetchedOffsets();
    const dispatch = newPartitionDispatch(lane, `g${generation}`, start, offsets);
    this.owned.push({ log, dispatch, position: start, paused: false, lost: false });
    this.generation = generation;
  }

  revoke(owned: Owned): void {
    owned.lost = true;
    if (this.#world.bug === 'commit-after-revocation') return;
    this.toPartition(owned, { kind: 'revoked' });
    this.owned = this.owned.filter((other) => other !== owned);
  }

  open(conn: SimConn): void {
    const inbox = newDeviceInbox(conn.client.device, this.name, this.clock);
    const session: Session = { inbox, conn, epoch: undefined };
    this.sessions.push(session);
    this.toSession(session, { kind: 'opened' });
  }

  toPartition(owned: Owned, event: PartitionEvent): void {
    if (!this.owned.includes(owned)) return;
    const effects: PartitionEffect[] = [];
    const { random, partitionTerms } = this.#world;
    stepPartition(owned.dispatch, event, this.clock, random.unit(), partitionTerms, effects);
    const { open } = owned.dispatch.offsets;
    if (open > partitionTerms.openRecords + 3) throw new Violation(`${open} records open in a partition`);
    if (owned.dispatch.lanes.size > partitionTerms.idleLanes + open + 3)
      throw new Violation('too many lanes remembered');
    for (const effect of effects) this.#queue({ owned, effect });
  }

  toLane(owned: Owned, device: DeviceKey, event: LaneEvent): void {
    this.toPartition(owned, { kind: 'lane', device, event });
  }

  toSession(session: Session, event: InboxEvent): void {
    const effects: InboxEffect[] = [];
    const { random, inboxTerms, ledger } = this.#world;
    if (event.kind === 'claimed') session.epoch = event.epoch;
    stepInbox(session.inbox, event, this.clock, random.unit(), inboxTerms, effects);
    if (session.inbox.inFlight > inboxTerms.window) throw new Violation('more in flight than the window');
    for (const effect of effects) {
      if (effect.kind === 'deliver' && event.kind === 'hand-over' && event.message.epoch !== session.epoch)
        throw new Violation(`a hand-over for ${event.message.epoch} was accepted by ${session.epoch}`);
      if (effect.kind === 'deliver' && ledger.atRest) throw new Violation(`delivers ${effect.key.ko} again at rest`);
      this.#queue({ session, effect });
    }
    if (session.inbox.closed) this.sessions = this.sessions.filter((other) => other !== session);
  }

  takeMessage(from: string, message: NodeMessage): void {
    switch (message.kind) {
      case 'hand-over': {
        const sessions = this.sessions.filter(({ inbox }) => inbox.device === message.device);
        const session = sessions.find(({ inbox }) => inbox.epoch === message.epoch) ?? sessions.at(-1);
        if (session === undefined) {
          const { call, device, lane, mail } = message;
          this.#world.send(this.index, from, { kind: 'answer', call, device, lane, ko: mail.ko, status: 'gone' });
        } else {
          const handed = this.#distorted(message, session);
          this.toSession(session, { kind: 'hand-over', from, message: handed });
        }
        break;
      }
      case 'hint':
        for (const session of this.#sessionsOf(message.device)) this.toSession(session, { kind: 'hint' });
        break;
      case 'vacated':
        for (const session of this.#sessionsOf(message.device))
          this.toSession(session, { kind: 'vacated', epoch: message.epoch });
        break;
      case 'taken-over': {
        const by = this.#world.bug === 'reclaim-as-login' ? 'login' : message.by;
        for (const session of this.#sessionsOf(message.device))
          this.toSession(session, { kind: 'taken-over', epoch: message.epoch, by });
        break;
      }
      case 'answer':
      case 'caught-up': {
        const { device } = message;
        for (const owned of this.#ownedOf(message.lane)) this.toLane(owned, device, message);
        break;
      }
    }
  }

  #distorted(
    message: Extract<NodeMessage, { readonly kind: 'hand-over' }>,
    { inbox }: Session,
  ): Extract<NodeMessage, { readonly kind: 'hand-over' }> {
    const { bug } = this.#world;
    if (bug === 'prev-ko-not-checked') return { ...message, prevKo: inbox.lanes.get(message.lane)?.frontier ?? -1 };
    return bug === 'unsettled-taken-for-settled' ? { ...message, settled: true } : message;
  }

  #sessionsOf(device: DeviceKey): Session[] {
    return this.sessions.filter(({ inbox }) => inbox.device === device);
  }

  #ownedOf(lane: LaneId): Owned[] {
    return this.owned.filter(({ log }) => log.lane === lane);
  }

  /** When something here wants to be woken, in the world's time. */
  wakeAt(): number {
    let at = Number.POSITIVE_INFINITY;
    for (const { dispatch } of this.owned) at = Math.min(at, partitionWakeAt(dispatch));
    for (const { inbox } of this.sessions) at = Math.min(at, inboxWakeAt(inbox));
    return at - this.skew;
  }

  /** Whether a dispatcher waits for anything. */
  get waits(): boolean {
    return this.owned.some(({ dispatch }) => partitionWakeAt(dispatch) < Number.POSITIVE_INFINITY);
  }

  wake(): void {
    for (const owned of [...this.owned])
      if (partitionWakeAt(owned.dispatch) <= this.clock) this.toPartition(owned, { kind: 'wake' });
    for (const session of [...this.sessions])
      if (inboxWakeAt(session.inbox) <= this.clock) this.toSession(session, { kind: 'wake' });
  }

  /** Carries out the next effect. */
  runEffect(): void {
    const next = this.#outbox.shift();
    if (next === undefined) return;
    if ('owned' in next) this.#runPartition(next.owned, next.effect);
    else this.#runInbox(next.session, next.effect);
  }

  #queue(queued: Queued): void {
    this.#outbox.push(queued);
    if (this.buffered) return;
    while (this.#outbox.length > 0) this.runEffect();
  }

  #ask<T>(label: string, apply: () => T, reply: (result: T, ok: boolean) => void): void {
    this.#world.ask({
      node: this.index,
      life: this.life,
      label,
      apply,
      reply: reply as (result: unknown, ok: boolean) => void,
      fate: 'well',
      stage: 'sent',
      result: undefined,
      delay: 0,
    });
  }

  #runPartition(owned: Owned, effect: PartitionEffect): void {
    const world = this.#world;
    const { lane } = owned.log;
    if (world.tracing && effect.kind !== 'resolved') world.say(`${this.name} does ${effectText(effect)}`);
    switch (effect.kind) {
      case 'ask-presence': {
        const { device, why } = effect;
        const blind = why === 'spilled' && (world.bug === 'presence-not-reread' || world.bug === 'hint-before-spill');
        this.#ask(
          `presence of ${device}`,
          () => (blind ? undefined : this.#readPresence(device)),
          (holder, ok) => this.toLane(owned, device, { kind: 'presence', holder: ok ? holder : undefined }),
        );
        break;
      }
      case 'hand-over':
        world.active();
        world.send(this.index, effect.node, effect.message);
        break;
      case 'spill': {
        const { device, mail } = effect;
        world.active();
        if (world.bug === 'hint-before-spill')
          this.#ask(
            `presence of ${device}, too early`,
            () => this.#readPresence(device),
            (holder) => {
              if (holder !== undefined) world.send(this.index, holder.node, { kind: 'hint', device });
            },
          );
        this.#ask(
          `spill ${lane}@${mail.ko} for ${device}`,
          () => {
            world.ledger.writes++;
            const kept = world.pending.lane(device, lane).write(mail, mail.time);
            if (!kept) world.ledger.forgotOne(device, lane, mail.ko, world.now);
          },
          (_, ok) => this.toLane(owned, device, { kind: 'spilled', ko: mail.ko, ok }),
        );
        break;
      }
      case 'send-hint':
        world.send(this.index, effect.node, { kind: 'hint', device: effect.device });
        break;
      case 'resolved':
        world.active();
        world.ledger.resolved(effect.device, lane, effect.ko, effect.how, world.now);
        break;
      case 'park':
        this.#ask(
          `park ${lane}@${effect.ko}`,
          () => owned.log.parked.add(effect.ko),
          (_, ok) => this.toPartition(owned, { kind: 'parked', ko: effect.ko, ok }),
        );
        break;
      case 'commit': {
        const { offset } = effect;
        const { generation } = this;
        // The assignment may have ended while the effect waited for its turn.
        if (!this.owned.includes(owned)) break;
        world.active();
        this.#ask(
          `commit ${offset} of ${lane}`,
          () => world.commit(owned.log, offset, generation),
          (taken, ok) => this.toPartition(owned, { kind: 'committed', offset, ok: ok && taken }),
        );
        break;
      }
      case 'pause':
        owned.paused = true;
        break;
      case 'resume':
        owned.paused = false;
        break;
    }
  }

  #readPresence(device: DeviceKey): Holder | undefined {
    const { presence } = this.#world;
    return this.#world.strikes('stale-presence', 0.3) ? presence.readStale(device) : presence.read(device);
  }

  #runInbox(session: Session, effect: InboxEffect): void {
    const world = this.#world;
    const { inbox, conn } = session;
    const { device } = inbox;
    if (world.tracing) world.say(`${this.name} stream ${conn.id} does ${effectText(effect)}`);
    switch (effect.kind) {
      case 'claim': {
        if (world.bug === 'read-before-claim') {
          const epoch = world.presence.newEpoch();
          this.#ask(
            'a claim, too late',
            () => world.presence.put(device, { node: this.name, epoch }),
            () => undefined,
          );
          this.#ask(
            'an epoch',
            () => epoch,
            (given) => this.toSession(session, { kind: 'claimed', epoch: given, previous: undefined }),
          );
          break;
        }
        this.#ask(
          `claim ${device} for stream ${conn.id}`,
          () => world.presence.claim(device, this.name),
          (claim, ok) => this.toSession(session, ok ? { kind: 'claimed', ...claim } : { kind: 'claim-failed' }),
        );
        break;
      }
      case 'check-presence': {
        const { epoch } = effect;
        this.#ask(
          `check ${device} of stream ${conn.id}`,
          () => this.#readPresence(device),
          (holder, ok) => {
            if (ok) this.toSession(session, { kind: 'presence-seen', epoch, holder });
          },
        );
        break;
      }
      case 'release': {
        const { epoch, displaced } = effect;
        this.#ask(
          `release ${device} ${epoch}`,
          () => world.presence.release(device, epoch),
          (_, ok) => {
            if (ok && displaced !== undefined)
              world.send(this.index, displaced.node, { kind: 'vacated', device, epoch: displaced.epoch });
          },
        );
        break;
      }
      case 'read-spans':
        this.#readSpans(session);
        break;
      case 'read-page':
        this.#readPage(session, effect);
        break;
      case 'deliver':
        world.active();
        if (conn.serverOpen) conn.down.push(effect.key);
        break;
      case 'queue-empty':
        break;
      case 'send':
        world.send(this.index, effect.node, effect.message);
        break;
      case 'forget-up-to':
        this.#forgetUpTo(session, effect);
        break;
      case 'forget-one': {
        const { key } = effect;
        this.#ask(
          `delete ${device} ${key.lane}@${key.ko}`,
          () => {
            world.ledger.writes++;
            world.ledger.forgotOne(device, key.lane, key.ko, world.now);
            world.pending.lane(device, key.lane).deleteOne(key.ko, endOfDay(key.day));
          },
          (_, ok) => this.toSession(session, { kind: 'one-forgotten', key, ok }),
        );
        break;
      }
      case 'close':
        world.active();
        conn.serverOpen = false;
        conn.reason = effect.reason;
        break;
    }
  }

  /** Two queries, at two moments: Cassandra has no snapshot over days. */
  #readSpans(session: Session): void {
    const { pending, firstDay } = this.#world;
    const { device } = session.inbox;
    const label = `spans of ${device} for stream ${session.conn.id}`;
    const failed = (): void => this.toSession(session, { kind: 'read-failed' });
    this.#ask(
      label,
      () => pending.spans(device, this.clock, firstDay, false),
      (early, ok) => {
        if (!ok) return failed();
        this.#ask(
          `${label}, later days`,
          () => pending.spans(device, this.clock, firstDay, true),
          (late, alsoOk) => {
            if (!alsoOk) return failed();
            this.toSession(session, { kind: 'spans', spans: joined(early.spans, late.spans), cursors: early.cursors });
          },
        );
      },
    );
  }

  #readPage(session: Session, effect: Extract<InboxEffect, { readonly kind: 'read-page' }>): void {
    const { pending, firstDay, bug } = this.#world;
    const { device, lane, after, limit } = effect;
    const upTo = bug === 'pages-above-the-span' ? Number.POSITIVE_INFINITY : effect.upTo;
    const label = `page of ${device} ${lane} after ${after} for stream ${session.conn.id}`;
    const failed = (): void => this.toSession(session, { kind: 'read-failed' });
    this.#ask(
      label,
      () => pending.page(device, lane, after, upTo, this.clock, firstDay, false),
      (early, ok) => {
        if (!ok) return failed();
        this.#ask(
          `${label}, later days`,
          () => pending.page(device, lane, after, upTo, this.clock, firstDay, true),
          (late, alsoOk) => {
            if (!alsoOk) return failed();
            const rows = early.length === 0 ? late : [...early, ...late];
            if (bug !== 'rows-by-day' && early.length > 0) rows.sort((one, other) => one.ko - other.ko);
            this.toSession(session, { kind: 'page', lane, rows: rows.slice(0, limit) });
          },
        );
      },
    );
  }

  /** The cursor first, then one range after the other; each may fail, or be the last thing that the node does. */
  #forgetUpTo(session: Session, effect: Extract<InboxEffect, { readonly kind: 'forget-up-to' }>): void {
    const world = this.#world;
    const { device, lane, days } = effect;
    const upTo = world.bug === 'unbounded-range-delete' ? Number.POSITIVE_INFINITY : effect.upTo;
    const rows = world.pending.lane(device, lane);
    world.active();
    const done = (ok: boolean) => this.toSession(session, { kind: 'forgotten', lane, upTo: effect.upTo, ok });
    const deleteFrom = (at: number): void => {
      const day = days[at];
      if (day === undefined) {
        done(true);
        return;
      }
      this.#ask(
        `delete ${device} ${lane} up to ${upTo} of day ${day}`,
        () => {
          world.ledger.writes++;
          world.ledger.forgotUpTo(device, lane, upTo, world.now, 'a delete', day);
          rows.deleteRange(day, upTo, endOfDay(day));
        },
        (_, ok) => (ok ? deleteFrom(at + 1) : done(false)),
      );
    };
    this.#ask(
      `cursor of ${device} ${lane} to ${effect.upTo}`,
      () => {
        world.ledger.writes++;
        world.ledger.forgotUpTo(device, lane, effect.upTo, world.now, 'the cursor');
        rows.cursor = Math.max(rows.cursor, effect.upTo);
      },
      (_, ok) => (ok ? deleteFrom(0) : done(false)),
    );
  }
}

function joined(early: readonly StoredSpan[], late: readonly StoredSpan[]): readonly StoredSpan[] {
  if (early.length === 0 || late.length === 0) return early.length === 0 ? late : early;
  const spans = new Map(early.map((span) => [span.lane, span]));
  for (const span of late) {
    const before = spans.get(span.lane);
    if (before === undefined) spans.set(span.lane, span);
    else {
      const first = Math.min(before.first, span.first);
      const last = Math.max(before.last, span.last);
      spans.set(span.lane, { lane: span.lane, first, last, days: [...before.days, ...span.days] });
    }
  }
  return [...spans.values()];
}

/** An effect as a line of a trace. */
export function effectText(effect: object): string {
  return JSON.stringify(effect, (key, value) => (key === 'envelope' || key === 'bytes' ? undefined : value));
}
