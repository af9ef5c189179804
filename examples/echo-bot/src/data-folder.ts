import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** A data folder that can't be used; the message says what to do. */
export class DataFolderError extends Error {
  override readonly name = 'DataFolderError';
}

/**
 * Makes a folder, readable by its owner alone, and those above it, level by level: in some file systems Node's own way never ends.
 * @throws {DataFolderError}
 */
export function makeFolder(path: string): void {
  try {
    const whole = resolve(path);
    if (isFolder(whole)) return;
    makeFolder(dirname(whole));
    mkdirSync(whole, { mode: 0o700 });
  } catch (error) {
    if (error instanceof DataFolderError) throw error;
    throw new DataFolderError(`${path} can not be made: name a folder that you may write to by --data`, {
      cause: error,
    });
  }
}

function isFolder(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return false;
  if (!found.isDirectory()) throw new DataFolderError(`${path} is no folder: name a folder by --data`);
  return true;
}
