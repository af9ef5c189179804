import type { LedgerEntry } from '../ports/mail-ledger.ts';
import { RelayError } from '../relay-error.ts';

const mostIdBytes = 32;
/** What a ledger can write of a size, and of a time. */
const sizeEnd = 2 ** 31;
const timeEnd = 2 ** 48;

/**
 * Holds an entry to the bounds of the port.
 * @throws {RelayError} `internal`
 */
export function checkLedgerEntry({ entryId, size, acceptedAt, expiresAt }: LedgerEntry): void {
  const fits =
    isLedgerId(entryId) && isBelow(size, sizeEnd) && isBelow(acceptedAt, timeEnd) && isBelow(expiresAt, timeEnd);
  if (fits) return;
  throw new RelayError('internal', 'an entry of the ledger has an id of 1 to 32 bytes, a size and whole milliseconds');
}

/** Whether an entry can have this id. */
export function isLedgerId(entryId: Uint8Array): boolean {
  return entryId.length >= 1 && entryId.length <= mostIdBytes;
}

function isBelow(value: number, end: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < end;
}
