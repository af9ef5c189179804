import type { LaneId, LaneMail } from '../../src/dispatch/delivery-lane.ts';
import { dayOf } from '../../src/platform/utc-day.ts';
import type { PendingRows } from './pending-rows.ts';

/** One record for one device, as the simulator that sees everything knows it. */
export interface Owed {
  readonly mail: LaneMail;
  received: boolean;
  acked: boolean;
}

/** Thrown where a promise is broken. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** The most that clocks are apart: a record counts as expired so much before its time. */
const slack = 60_000;

/** What is owed to whom, and whether each step keeps the promises. */
export class Ledger {
  readonly #books = new Map<string, Map<LaneId, Owed[]>>();
  readonly #gone = new Set<LaneId>();
  readonly pending: PendingRows;
  /** Writes into Cassandra of any kind. */
  writes = 0;
  atRest = false;

  constructor(pending: PendingRows) {
    this.pending = pending;
  }

  /** Ingress has acked a record. */
  owe(device: string, lane: LaneId, mail: LaneMail): void {
    let book = this.#books.get(device);
    if (book === undefined) {
      book = new Map();
      this.#books.set(device, book);
    }
    const owed = book.get(lane);
    if (owed === undefined) book.set(lane, [{ mail, received: false, acked: false }]);
    else owed.push({ mail, received: false, acked: false });
  }

  /** The topic was deleted with what was in it. */
  topicGone(lane: LaneId): void {
    this.#gone.add(lane);
  }

  find(device: string, lane: LaneId, ko: number): Owed {
    const owed = this.#books.get(device)?.get(lane);
    const found = owed?.find(({ mail }) => mail.ko === ko);
    if (found === undefined) throw new Violation(`${lane}@${ko} was never for ${device}`);
    return found;
  }

  received(device: string, lane: LaneId, ko: number): void {
    if (this.atRest) throw new Violation(`${device} is given ${lane}@${ko} again after everything was at rest`);
    const found = this.find(device, lane, ko);
    if (found.received) return;
    found.received = true;
    for (const { mail, received } of this.#books.get(device)?.get(lane) ?? []) {
      if (mail.ko > ko && received)
        throw new Violation(`${device} sees ${lane}@${ko} for the first time after ${lane}@${mail.ko}`);
    }
  }

  /** Whether it need not be delivered any more: acked by the device, or expired. */
  isDone({ acked, mail }: Owed, now: number): boolean {
    return acked || now + slack >= mail.expiresAt;
  }

  /** A cursor was moved, or a range deleted: only over what is done. */
  forgotUpTo(device: string, lane: LaneId, upTo: number, now: number, what: string, day?: number): void {
    for (const owed of this.#books.get(device)?.get(lane) ?? []) {
      const { ko, time } = owed.mail;
      if (ko <= upTo && (day === undefined || dayOf(time) === day) && !this.isDone(owed, now))
        throw new Violation(`${what} of ${device} up to ${lane}@${upTo} reaches over ${ko}, which was not acked`);
    }
  }

  forgotOne(device: string, lane: LaneId, ko: number, now: number): void {
    if (!this.isDone(this.find(device, lane, ko), now))
      throw new Violation(`the row of ${device} ${lane}@${ko} is deleted, which was not acked`);
  }

  resolved(device: string, lane: LaneId, ko: number, how: 'acked' | 'spilled' | 'expired', now: number): void {
    const owed = this.find(device, lane, ko);
    if (how === 'spilled' ? this.isSettled(device, lane, owed, now) : this.isDone(owed, now)) return;
    throw new Violation(`${lane}@${ko} for ${device} is resolved as ${how}, which is not so`);
  }

  isSettled(device: string, lane: LaneId, owed: Owed, now: number): boolean {
    return this.isDone(owed, now) || this.pending.lane(device, lane).has(owed.mail.ko);
  }

  /** In the end: everything was delivered or has expired. */
  checkDelivered(now: number): void {
    for (const [device, book] of this.#books)
      for (const [lane, all] of book)
        for (const owed of all) {
          if (this.isDone(owed, now) || this.#gone.has(lane)) continue;
          throw new Violation(`${lane}@${owed.mail.ko} never came to ${device}`);
        }
  }

  /** Rows of what was not acked, of topics that are still there: of the others nobody may have told. */
  *rowsWaiting(now: number): Generator<{ readonly device: string; readonly lane: LaneId; readonly ko: number }> {
    for (const row of this.pending.left(now))
      if (!this.#gone.has(row.lane) && !this.isDone(this.find(row.device, row.lane, row.ko), now)) yield row;
  }
}
