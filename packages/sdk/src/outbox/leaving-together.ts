import { sizeOfPost } from '../sealed/sealed-post.ts';
import { canLeaveWith, isUnnamed } from '../sealed/unnamed-send.ts';
import type { QueueEntry, SealedEntry } from './queue-entry.ts';

/** The most that are sealed at once. */
export const largestBatch = 128;
/** What is for many is large: no more of it are sealed ahead. */
const sealedAhead = 64;

/** What leaves next, and whether it goes beside the stream. */
export interface Leaving {
  readonly beside: boolean;
  readonly sends: readonly SealedEntry[];
}

/**
 * What may leave next in one way, over the stream or beside it. Both at once would not keep the order, nor would two requests.
 * @param busy which way what is in flight went; false when nothing is
 */
export function leavingTogether(sealed: readonly SealedEntry[], busy: false | { readonly beside: boolean }): Leaving {
  const [first] = sealed;
  if (first === undefined) return { beside: busy !== false && busy.beside, sends: [] };
  const beside = isUnnamed(first.send);
  if (busy && (beside || busy.beside)) return { beside: busy.beside, sends: [] };
  const end = sealed.findIndex(
    ({ send }, at) => at > 0 && (isUnnamed(send) !== beside || (beside && !canLeaveWith(send, first.send))),
  );
  const alike = end < 0 ? sealed : sealed.slice(0, end);
  return { beside, sends: beside ? alike.slice(0, sizeOfPost(alike.map(({ send }) => send))) : alike };
}

/**
 * How many are sealed, or looked at, at once. What is for many and sealed already is read again each time: hardly more of it than fits into one request.
 * @param first the next that is to leave
 * @param forMany how many for many left together last; 0 when what left last was for one
 */
export function batchOf(first: Pick<QueueEntry, 'isSealed'> | undefined, forMany: number): number {
  if (forMany === 0) return largestBatch;
  return first?.isSealed ? Math.min(sealedAhead, 2 * forMany) : sealedAhead;
}
