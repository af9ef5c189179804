import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RelayError } from '../relay-error.ts';
import { trustRootBytes } from './certificate-authority.ts';

/**
 * Reads `trust-root.key` (32 bytes) from a relay's data folder; `undefined` when the operator put none there.
 * @throws {RelayError} `config-invalid` when it has another length; `store-unavailable` when it can't be read
 */
export async function readTrustRootFile(folder: string): Promise<Uint8Array | undefined> {
  const root = await readIfThere(join(folder, 'trust-root.key'));
  if (root !== undefined && root.length !== trustRootBytes) {
    throw new RelayError('config-invalid', `trust-root.key has to have ${trustRootBytes} bytes.`);
  }
  return root;
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new RelayError('store-unavailable', 'trust-root.key can not be read: check its owner and rights.', { cause });
  }
}
