import { readFile } from 'node:fs/promises';
import { RelayError } from './relay-error.ts';

/**
 * Reads the file that a setting names.
 * @param advice What to do when it is not there.
 * @throws {RelayError} `config-invalid`
 */
export async function readSettingFile(key: string, path: string, advice: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    const what = isMissing ? `is not there: ${advice}` : 'can not be read: check its owner and rights';
    throw new RelayError('config-invalid', `\`${key}\`: ${path} ${what}.`, { cause });
  }
}
