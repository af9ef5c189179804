/** Thrown by an operation that has found out, from what it has decrypted, that it needs more locks: it is dropped, and run again with these too. Never leaves the inbox. */
export class LocksWanted extends Error {
  override readonly name = 'LocksWanted';
  readonly locks: readonly string[];

  constructor(locks: readonly string[]) {
    super('an operation needs more locks');
    this.locks = locks;
  }
}

/** The lock of what reads many messages of the store: its operation has a batch of its own, so that all that came before is there. */
export const alone = 'alone';

/**
 * Goes on only with these locks.
 * @throws {LocksWanted} when some of them are not held
 */
export function demandLocks(held: readonly string[], wanted: readonly string[]): void {
  const missing = wanted.filter((lock) => !held.includes(lock));
  if (missing.length > 0) throw new LocksWanted(missing);
}
