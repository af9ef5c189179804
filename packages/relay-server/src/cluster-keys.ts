import { createHmac, hkdfSync } from 'node:crypto';
import { relayKeyBytes } from './accounts/relay-key.ts';
import type { ClusterConfig } from './config/cluster-config.ts';
import type { Clock } from './ports/clock.ts';
import { readSettingFile } from './read-setting-file.ts';
import { RelayError } from './relay-error.ts';
import { CertificateAuthority, trustRootBytes, trustRootOf } from './sealed/certificate-authority.ts';

/** The secrets that all nodes of a cluster share. */
export interface ClusterKeys {
  readonly relayKey: Uint8Array;
  /** `undefined`: made from the relay key. */
  readonly trustRoot: Uint8Array | undefined;
}

/** By what the secrets of a cluster are known again: tells nothing about them. */
export interface ClusterKeyMarks {
  readonly keyMac: Uint8Array;
  /** The public key of the trust root. */
  readonly trustRoot: Uint8Array;
}

/**
 * Reads the secrets of a cluster. Nothing is ever written there: nodes that made keys of their own would be nodes of different relays.
 * @throws {RelayError} `config-invalid`
 */
export async function readClusterKeys({ relayKeyFile, trustRootFile }: ClusterConfig): Promise<ClusterKeys> {
  const make = `for a new cluster make it once (\`head -c ${relayKeyBytes} /dev/urandom > FILE\`) and give it to all nodes, for one that is there copy it from another node`;
  const relayKey = await readKey('cluster.relayKeyFile', relayKeyFile, relayKeyBytes, make);
  if (trustRootFile === '') return { relayKey, trustRoot: undefined };
  const restore = 'copy it from another node, or leave the setting out before there are accounts';
  return { relayKey, trustRoot: await readKey('cluster.trustRootFile', trustRootFile, trustRootBytes, restore) };
}

/** What may be kept in the open. */
export function marksOf({ relayKey, trustRoot }: ClusterKeys, clock: Clock): ClusterKeyMarks {
  const markKey = hkdfSync('sha256', relayKey, new Uint8Array(), 'sotto relay key mark v1', 32);
  return {
    keyMac: createHmac('sha256', Buffer.from(markKey)).update('sotto relay key').digest(),
    trustRoot: new CertificateAuthority(trustRoot ?? trustRootOf(relayKey), clock).trustRoot,
  };
}

async function readKey(key: string, path: string, length: number, advice: string): Promise<Uint8Array> {
  const bytes = await readSettingFile(key, path, advice);
  if (bytes.length === length) return new Uint8Array(bytes);
  throw new RelayError(
    'config-invalid',
    `\`${key}\`: ${path} has ${bytes.length} bytes, and has to have ${length}: ${advice}.`,
  );
}
