import { DatabaseSync } from 'node:sqlite';

/**
 * Runs `work` while no other process does for the same file. Waits for one that does, at most `limitMs`.
 *
 * The lock is the operating system's (an exclusive transaction on an empty file): it ends with the process, however that ends.
 * @throws when somebody else has had it all the time
 */
export async function withLock<T>(
  file: string,
  limitMs: number,
  onWaiting: () => void,
  work: () => Promise<T>,
): Promise<T> {
  const until = Date.now() + limitMs;
  for (let round = 0; ; round += 1) {
    const lock = taken(file);
    if (lock !== undefined) {
      try {
        return await work();
      } finally {
        lock.close();
      }
    }
    if (round === 0) onWaiting();
    if (Date.now() > until) throw new Error(`another run has held ${file} for ${limitMs / 1000} s: end that one first`);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

const sqliteBusy = 5;

function taken(file: string): DatabaseSync | undefined {
  const database = new DatabaseSync(file);
  try {
    database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy) return undefined;
    throw error;
  }
}
