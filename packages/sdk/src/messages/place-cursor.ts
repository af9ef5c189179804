import type { Place } from '../ports/chat-record.ts';
import { SottoError } from '../sotto-error.ts';

/** Writes a place as the cursor that users hold: opaque to them. */
export function cursorOf(place: Place): string {
  return `${place.position}.${place.seq}`;
}

/**
 * Reads a cursor.
 * @throws {SottoError} `cursor-invalid`
 */
export function placeOf(cursor: string): Place {
  const match = typeof cursor === 'string' ? /^(\d{1,15})\.(\d{1,16})$/.exec(cursor) : null;
  if (match === null) throw new SottoError('cursor-invalid', 'this is no cursor: take one from a message or a page');
  return { position: Number(match[1]), seq: Number(match[2]) };
}
