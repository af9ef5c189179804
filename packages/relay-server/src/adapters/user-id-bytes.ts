import type { UserId } from '../ports/ids.ts';
import { RelayError } from '../relay-error.ts';

const uuid = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

/**
 * A user id as its 16 bytes: less than half of its text, in every row.
 * @throws {RelayError} `request-malformed`
 */
export function userIdToBytes(userId: UserId): Buffer {
  if (!uuid.test(userId)) throw new RelayError('request-malformed', 'a user id is a UUID of 36 characters');
  return Buffer.from(userId.replaceAll('-', ''), 'hex');
}

/** 16 bytes of the database as the user id that they stand for. */
export function userIdFromBytes(bytes: Buffer): UserId {
  const hex = bytes.toString('hex');
  const text = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  return text as UserId;
}
