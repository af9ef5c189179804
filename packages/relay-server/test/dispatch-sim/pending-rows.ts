import type { DeliveryKey, LaneId, LaneMail } from '../../src/dispatch/delivery-lane.ts';
import type { StoredSpan } from '../../src/dispatch/inbox-state.ts';
import { dayMs, dayOf } from '../../src/platform/utc-day.ts';

interface Row {
  readonly mail: LaneMail;
  readonly timestamp: number;
}

interface RangeTombstone {
  readonly day: number;
  readonly upTo: number;
  readonly timestamp: number;
}

/** One lane of one device in Cassandra: rows, tombstones with their timestamps, and the cursor. Each row is linearizable (LOCAL_QUORUM), and no more is. */
export class PendingLane {
  /** Ascending by ko. */
  rows: Row[] = [];
  readonly #ranges: RangeTombstone[] = [];
  readonly #ones: { readonly ko: number; readonly timestamp: number }[] = [];
  cursor = -1;

  /** Gives false when a tombstone shadows it. */
  write(mail: LaneMail, timestamp: number): boolean {
    const day = dayOf(mail.time);
    const shadowed =
      this.#ranges.some((range) => range.day === day && range.upTo >= mail.ko && range.timestamp >= timestamp) ||
      this.#ones.some((one) => one.ko === mail.ko && one.timestamp >= timestamp);
    if (shadowed) return false;
    this.rows = this.rows.filter((row) => row.mail.ko !== mail.ko);
    const at = this.rows.findIndex((row) => row.mail.ko > mail.ko);
    this.rows.splice(at < 0 ? this.rows.length : at, 0, { mail, timestamp });
    return true;
  }

  deleteRange(day: number, upTo: number, timestamp: number): void {
    this.#ranges.push({ day, upTo, timestamp });
    this.rows = this.rows.filter(
      ({ mail, timestamp: written }) => dayOf(mail.time) !== day || mail.ko > upTo || written > timestamp,
    );
  }

  deleteOne(ko: number, timestamp: number): void {
    this.#ones.push({ ko, timestamp });
    this.rows = this.rows.filter(({ mail, timestamp: written }) => mail.ko !== ko || written > timestamp);
  }

  has(ko: number): boolean {
    return this.rows.some(({ mail }) => mail.ko === ko);
  }
}

/** What Cassandra keeps of undelivered mail, for all devices. */
export class PendingRows {
  readonly #devices = new Map<string, Map<LaneId, PendingLane>>();

  lane(device: string, lane: LaneId): PendingLane {
    let lanes = this.#devices.get(device);
    if (lanes === undefined) {
      lanes = new Map();
      this.#devices.set(device, lanes);
    }
    let found = lanes.get(lane);
    if (found === undefined) {
      found = new PendingLane();
      lanes.set(lane, found);
    }
    return found;
  }

  /** Of the days up to `lastDay`, or of the later ones: no query sees all days at one moment. */
  spans(
    device: string,
    now: number,
    lastDay: number,
    later: boolean,
  ): { readonly spans: StoredSpan[]; readonly cursors: { readonly lane: LaneId; readonly ko: number }[] } {
    const spans: StoredSpan[] = [];
    const cursors: { readonly lane: LaneId; readonly ko: number }[] = [];
    for (const [lane, { rows, cursor }] of this.#devices.get(device) ?? []) {
      if (cursor >= 0) cursors.push({ lane, ko: cursor });
      const live = rows.filter(({ mail }) => mail.expiresAt > now && dayOf(mail.time) > lastDay === later);
      const first = live[0]?.mail.ko;
      const last = live.at(-1)?.mail.ko;
      if (first === undefined || last === undefined) continue;
      spans.push({ lane, first, last, days: [...new Set(live.map(({ mail }) => dayOf(mail.time)))] });
    }
    return { spans, cursors };
  }

  /** One lane's rows with after < ko <= upTo, of the days up to `lastDay` or of the later ones. */
  page(
    device: string,
    lane: LaneId,
    after: number,
    upTo: number,
    now: number,
    lastDay: number,
    later: boolean,
  ): LaneMail[] {
    const page: LaneMail[] = [];
    for (const { mail } of this.lane(device, lane).rows) {
      if (mail.ko <= after || mail.ko > upTo || mail.expiresAt <= now) continue;
      if (dayOf(mail.time) > lastDay === later) page.push(mail);
    }
    return page;
  }

  /** Rows that are left, unexpired. */
  left(now: number): { readonly device: string; readonly lane: LaneId; readonly ko: number }[] {
    const left: { readonly device: string; readonly lane: LaneId; readonly ko: number }[] = [];
    for (const [device, lanes] of this.#devices)
      for (const [lane, { rows }] of lanes)
        for (const { mail } of rows) if (mail.expiresAt > now) left.push({ device, lane, ko: mail.ko });
    return left;
  }
}

/** The timestamp of deletes in a day: over every row of it. */
export function endOfDay(day: number): number {
  return (day + 1) * dayMs - 0.001;
}

/** A key as text, for traces and sets. */
export function keyText({ lane, ko }: Pick<DeliveryKey, 'lane' | 'ko'>): string {
  return `${lane}@${ko}`;
}
