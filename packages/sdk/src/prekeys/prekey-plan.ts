import type { PrekeyCount } from '@sotto/proto';
import type { PrekeyKind, PrekeyRecord } from '../ports/key-records.ts';
import { fullSet, type PrekeyCounts } from './prekey-material.ts';

const day = 86_400_000;
/** Below this many one-time keys at the relay, more are made. */
const lowWater = 20;
/** The most one-time keys of a kind that this device keeps, about 12 MiB of both: forty refills of keys that were given away and not used yet. */
const mostOwn = 4_000;
const rotatedAfter = 7 * day;
/** A session that was begun with a key is written on for 30 days, what was sealed on it is sent for seven, and the relay keeps that for 30. */
const replacedKeptFor = 70 * day;

/** What is to be done to the own prekeys. */
export interface PrekeyPlan {
  readonly make: PrekeyCounts;
  /** The relay gives them to nobody any more: they are kept for those who were given them. */
  readonly replace: readonly PrekeyRecord[];
  readonly remove: readonly PrekeyRecord[];
}

/**
 * Decides which prekeys to make, to replace and to remove.
 * @param own all own prekeys, oldest first
 * @param left one-time keys that the relay has
 */
export function planPrekeys(own: readonly PrekeyRecord[], left: PrekeyCount, now: number): PrekeyPlan {
  return {
    make: {
      signed: isDue(own, 'signed', now) ? 1 : 0,
      'last-resort': isDue(own, 'last-resort', now) ? 1 : 0,
      ec: refill(own, 'ec', left.ec),
      kyber: refill(own, 'kyber', left.kyber),
    },
    replace: [...superseded(own), ...givenAway(own, 'ec', left.ec), ...givenAway(own, 'kyber', left.kyber)],
    remove: own.filter(({ replacedAt }) => replacedAt !== undefined && replacedAt + replacedKeptFor <= now),
  };
}

/** The signed and last-resort keys that the relay gives to nobody any more, since it has a newer one. As long as that one is not there, the one before is. */
export function superseded(own: readonly PrekeyRecord[]): readonly PrekeyRecord[] {
  return (['signed', 'last-resort'] as const).flatMap((kind) => {
    const standing = standingOf(own, kind);
    return standing.slice(0, Math.max(0, standing.map(({ uploaded }) => uploaded).lastIndexOf(true)));
  });
}

function standingOf(own: readonly PrekeyRecord[], kind: PrekeyKind): readonly PrekeyRecord[] {
  return own.filter((prekey) => prekey.kind === kind && prekey.replacedAt === undefined);
}

/** The newest one stands for a week. */
function isDue(own: readonly PrekeyRecord[], kind: PrekeyKind, now: number): boolean {
  const newest = standingOf(own, kind).at(-1);
  return newest === undefined || newest.createdAt + rotatedAfter <= now;
}

function refill(own: readonly PrekeyRecord[], kind: PrekeyKind, left: number): number {
  if (left >= lowWater) return 0;
  // A relay that always says that none are left must not have keys made without end.
  if (own.filter((prekey) => prekey.kind === kind).length >= mostOwn) return 0;
  const onTheWay = standingOf(own, kind).filter(({ uploaded }) => !uploaded).length;
  return Math.max(0, fullSet - left - onTheWay);
}

/** One-time keys that somebody was given: the relay has the newest ones, since it gives away the lowest id first. */
function givenAway(own: readonly PrekeyRecord[], kind: PrekeyKind, left: number): readonly PrekeyRecord[] {
  const uploaded = standingOf(own, kind)
    .filter((prekey) => prekey.uploaded)
    .sort((a, b) => a.id - b.id);
  return uploaded.slice(0, Math.max(0, uploaded.length - left));
}
