import { uuidToText } from '@sotto/proto';
import type { UserId } from '../ports/ids.ts';
import type { QueueEntry } from './queue-entry.ts';
import type { Share } from './send-outcome.ts';

/** An access key that the relay did not take, and whose it was thought to be. */
export interface RefusedKey {
  readonly userId: UserId;
  readonly accessKey: Uint8Array;
}

/**
 * The access keys that an entry showed when it left last and the relay did not take.
 * @param shares what became of each recipient; when left out, none was taken
 */
export function refusedKeys(
  { recipients }: Pick<QueueEntry, 'recipients'>,
  shares?: ReadonlyMap<UserId, Share>,
): readonly RefusedKey[] {
  // As a rule every key was taken: then nobody is looked up.
  if (shares !== undefined && ![...shares.values()].includes('key-refused')) return [];
  return (recipients ?? []).flatMap(({ userId: bytes, accessKey }) => {
    if (bytes?.length !== 16 || accessKey?.length !== 16) return [];
    const userId = uuidToText(bytes) as UserId;
    return shares === undefined || shares.get(userId) === 'key-refused' ? [{ userId, accessKey }] : [];
  });
}
