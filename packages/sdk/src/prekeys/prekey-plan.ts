import type { PrekeyCount } from '@sotto/proto';
import type { PrekeyKind, PrekeyRecord } from '../ports/key-records.ts';
import { fullSet, type PrekeyCounts } from './prekey-material.ts';

const day = 86_400_000;
/** Below this many one-time keys at the relay, more are made. */
const lowWater = 20;
/** The most one-time keys of a kind that this device keeps, about 12 MiB of both: forty refills of keys that were given away and not used yet. */
const mostOwn = 4_000;
const rotatedAfter = 7 * day;
const replacedKeptFor = 70 * day;
const oneTimeKeptFor = 100 * day;

/** What is to be done to the own prekeys. */
export interface PrekeyPlan {
  readonly make: PrekeyCounts;
  /** Another key takes their place: they are kept for those who still have them. */
  readonly replace: readonly PrekeyRecord[];
  readonly remove: readonly PrekeyRecord[];
}

/**
 * Decides which prekeys to make, to replace and to remove.
 * @param own all own prekeys, oldest first
 * @param left one-time keys that the relay has
 */
export function planPrekeys(own: readonly PrekeyRecord[], left: PrekeyCount, now: number): PrekeyPlan {
  const signed = rotation(own, 'signed', now);
  const lastResort = rotation(own, 'last-resort', now);
  return {
    make: {
      signed: signed.make,
      'last-resort': lastResort.make,
      ec: refill(own, 'ec', left.ec),
      kyber: refill(own, 'kyber', left.kyber),
    },
    replace: [...signed.replace, ...lastResort.replace],
    remove: [
      ...own.filter(({ replacedAt }) => replacedAt !== undefined && replacedAt + replacedKeptFor <= now),
      ...outdated(own, 'ec', left.ec, now),
      ...outdated(own, 'kyber', left.kyber, now),
    ],
  };
}

/** The newest one stands for a week; any other standing one is to be replaced. */
function rotation(own: readonly PrekeyRecord[], kind: PrekeyKind, now: number) {
  const standing = own.filter((prekey) => prekey.kind === kind && prekey.replacedAt === undefined);
  const newest = standing.at(-1);
  const due = newest === undefined || newest.createdAt + rotatedAfter <= now;
  return { make: due ? 1 : 0, replace: due ? standing : standing.slice(0, -1) };
}

function refill(own: readonly PrekeyRecord[], kind: PrekeyKind, left: number): number {
  if (left >= lowWater) return 0;
  // A relay that always says that none are left must not have keys made without end.
  if (own.filter((prekey) => prekey.kind === kind).length >= mostOwn) return 0;
  const onTheWay = own.filter(
    (prekey) => prekey.kind === kind && !prekey.uploaded && prekey.replacedAt === undefined,
  ).length;
  return Math.max(0, fullSet - left - onTheWay);
}

/** Old one-time keys, but never those that the relay may still give away: it has the newest ones, since it gives away the lowest id first. */
function outdated(own: readonly PrekeyRecord[], kind: PrekeyKind, left: number, now: number): readonly PrekeyRecord[] {
  const uploaded = own
    .filter((prekey) => prekey.kind === kind && prekey.uploaded && prekey.replacedAt === undefined)
    .sort((a, b) => a.id - b.id);
  return uploaded
    .slice(0, Math.max(0, uploaded.length - left))
    .filter(({ createdAt }) => createdAt + oneTimeKeptFor <= now);
}
