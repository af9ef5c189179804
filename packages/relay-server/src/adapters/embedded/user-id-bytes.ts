import type { UserId } from '../../ports/ids.ts';
import { RelayError } from '../../relay-error.ts';

/**
 * A user id as its 16 bytes: less than half of its text, in every row.
 * @throws {RelayError} `request-malformed`
 */
export function userIdToBytes(userId: UserId): Buffer {
  const bytes = Buffer.from(userId.replaceAll('-', ''), 'hex');
  if (bytes.length !== 16 || userId.length !== 36)
    throw new RelayError('request-malformed', 'a user id is a UUID of 36 characters');
  return bytes;
}

/** 16 bytes of the database as the user id that they stand for. */
export function userIdFromBytes(bytes: Buffer): UserId {
  const hex = bytes.toString('hex');
  const text = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  return text as UserId;
}
