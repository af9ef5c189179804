import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { RelayError } from '../../relay-error.ts';

/**
 * Makes the data folder, with rights for its owner only, and those above it, level by level: in some file systems Node's own way never ends.
 * @throws {RelayError} `store-unavailable` when it is no folder, or can't be made
 */
export async function makeDataFolder(path: string): Promise<void> {
  const whole = resolve(path);
  try {
    if (await isFolder(whole)) return;
    await makeDataFolder(dirname(whole));
    await mkdir(whole, { mode: 0o700 });
  } catch (cause) {
    if (cause instanceof RelayError) throw cause;
    throw new RelayError(
      'store-unavailable',
      `${whole} can not be made: name a data folder that the relay may write to.`,
      { retryable: true, cause },
    );
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
  } catch (error) {
    // Below a file that is no folder: the level above says so.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return false;
    throw error;
  }
  throw new RelayError('store-unavailable', `${path} is no folder: name another data folder.`, { retryable: true });
}
