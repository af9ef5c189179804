import { ProtoError, uuidToBytes, uuidToText } from '@sotto/proto';
import type { UserId } from '../ports/ids.ts';

/** Ends the reading of bytes that are not what they should be; never leaves this folder. */
export class Malformed extends Error {
  override readonly name = 'Malformed';
}

/** What `read` gives; undefined when the bytes are malformed. */
export function reading<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Malformed || error instanceof ProtoError) return undefined;
    throw error;
  }
}

/** The fields without those that proto3 leaves out: zeros, empty bytes, texts and lists. */
export function withoutDefaults<T extends object>(fields: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  const kept = Object.entries(fields).filter(([, value]) => !isDefault(value));
  return Object.fromEntries(kept) as { [Key in keyof T]?: Exclude<T[Key], undefined> };
}

function isDefault(value: unknown): boolean {
  if (value instanceof Uint8Array || Array.isArray(value)) return value.length === 0;
  return value === undefined || value === 0 || value === '' || value === false;
}

/** A copy of bytes of this length. */
export function exactly(length: number, bytes: Uint8Array | null | undefined): Uint8Array {
  return between(length, length, bytes);
}

/** A copy of bytes of a length within these bounds. */
export function between(least: number, most: number, bytes: Uint8Array | null | undefined): Uint8Array {
  const given = bytes ?? new Uint8Array();
  if (given.length < least || given.length > most) throw new Malformed('bytes of a wrong length');
  return Uint8Array.from(given);
}

/** A number of at least this. */
export function atLeast(least: number, value: number | null | undefined): number {
  const given = value ?? 0;
  if (given < least) throw new Malformed('a number is too small');
  return given;
}

/** What must be there. */
export function present<T>(value: T | null | undefined): T {
  if (value === undefined || value === null) throw new Malformed('something is missing');
  return value;
}

/** A user id from its 16 bytes. */
export function readUserId(bytes: Uint8Array | null | undefined): UserId {
  return uuidToText(exactly(16, bytes)) as UserId;
}

/** The user ids of a list that must be in order. */
export function readUserIds(list: readonly Uint8Array[] | null | undefined): readonly UserId[] {
  const ids = (list ?? []).map(readUserId);
  checkAscending(ids);
  return ids;
}

/** The bytes of user ids. */
export function writeUserIds(ids: readonly UserId[]): Uint8Array[] {
  return ids.map((id) => uuidToBytes(id));
}

/** Ids must ascend, each there once. As texts they are in the same order as their bytes. */
export function checkAscending(ids: readonly string[]): void {
  for (let at = 1; at < ids.length; at++) {
    if ((ids[at - 1] ?? '') >= (ids[at] ?? '')) throw new Malformed('a list is not in order');
  }
}

/** In the order of their ids. */
export function byUserId<T extends { readonly userId: UserId }>(list: readonly T[]): readonly T[] {
  return [...list].sort((left, right) => (left.userId < right.userId ? -1 : left.userId > right.userId ? 1 : 0));
}
