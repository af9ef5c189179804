import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { DeviceList, SignedDeviceList, toBase64Url, uuidToBytes } from '@sotto/proto';
import { loadConfig, openEmbeddedRelay } from '@sotto/relay-server';
import { openEmbeddedStores } from '@sotto/relay-server/embedded';
import type { DeviceId, NumberMac, RelayStores, UserId } from '@sotto/relay-server/ports';
import { inTurns } from './in-turns.ts';

/** An account with one device, as far as a load needs it. */
export interface LoadAccount {
  readonly userId: string;
  /** 16 bytes. */
  readonly userBytes: Uint8Array;
  readonly registrationId: number;
  readonly accessToken: string;
  /** What its contacts show when they send to it. */
  readonly accessKey: Uint8Array;
}

const tokenLifeMs = 24 * 3_600_000;
const keyBytes = 33;
const kyberKeyBytes = 1_569;
const registeredAtOnce = 256;

/**
 * Makes accounts in the data folder of a relay that does not run yet: thousands in a second, where registering over HTTP takes milliseconds each.
 *
 * What the relay keeps of an account has the form and the sizes of a real one; keys and signatures are random, since the relay checks them at registration only.
 */
export async function makeAccounts(folder: string, count: number): Promise<readonly LoadAccount[]> {
  // The relay makes its key and its database itself.
  const quiet = new Map([
    ['data', folder],
    ['logLevel', 'silent'],
  ]);
  const relay = await openEmbeddedRelay({ config: loadConfig({ flags: quiet }) });
  await relay.stop();
  const stores = await openEmbeddedStores({ folder, clock: { now: () => Date.now() } });
  try {
    return await addAccounts(stores, count);
  } finally {
    await stores.close();
  }
}

/** The same in stores that are open. */
export function addAccounts(
  stores: Pick<RelayStores, 'accounts' | 'tokens'>,
  count: number,
): Promise<readonly LoadAccount[]> {
  return inTurns(Array.from({ length: count }, newAccount), registeredAtOnce, async (account) => {
    await addAccount(stores, account);
    return account;
  });
}

async function addAccount(stores: Pick<RelayStores, 'accounts' | 'tokens'>, account: LoadAccount): Promise<void> {
  const { userId, registrationId } = account;
  const device = { userId: userId as UserId, deviceId: 1 as DeviceId };
  const list = DeviceList.encode({
    userId: account.userBytes,
    version: 1,
    createdAt: Date.now(),
    identityKey: randomBytes(keyBytes),
    devices: [{ deviceId: 1, registrationId, deviceKey: randomBytes(keyBytes), addedAt: Date.now() }],
  });
  const rootKey = randomBytes(keyBytes);
  await stores.accounts.register({
    idempotencyKey: randomBytes(16),
    requestHash: randomBytes(32),
    userId: device.userId,
    numberMac: randomBytes(32) as Uint8Array as NumberMac,
    numberCiphertext: randomBytes(48),
    deviceList: {
      version: 1,
      signed: SignedDeviceList.encode({ list, signature: randomBytes(64), rootKey }),
      hash: createHash('sha256').update(list).digest(),
      rootKey,
      identityKey: randomBytes(keyBytes),
      devices: [{ deviceId: 1, registrationId }],
    },
    device,
    prekeys: {
      signedPrekey: { id: 1, publicKey: randomBytes(keyBytes), signature: randomBytes(64) },
      lastResortKyberPrekey: { id: 1, publicKey: randomBytes(kyberKeyBytes), signature: randomBytes(64) },
    },
    profile: randomBytes(300),
    accessKeyHash: createHash('sha256').update(account.accessKey).digest(),
    refreshTokenHash: randomBytes(32),
    createdAt: Date.now(),
    lock: { secretMac: undefined, now: Date.now(), idleMs: tokenLifeMs },
    recovers: false,
  });
  const token = createHash('sha256').update(Buffer.from(account.accessToken, 'base64url')).digest();
  await stores.tokens.grant(device, token, Date.now() + tokenLifeMs);
}

function newAccount(): LoadAccount {
  const userId = randomUUID();
  return {
    userId,
    userBytes: uuidToBytes(userId),
    registrationId: 1 + (randomBytes(2).readUInt16BE() % 16_380),
    accessToken: toBase64Url(randomBytes(32)),
    accessKey: new Uint8Array(randomBytes(16)),
  };
}
