import {
  type CiphertextMessage,
  IdentityChange,
  type IdentityKeyPair,
  IdentityKeyStore,
  type PrivateKey,
  type ProtocolAddress,
  PublicKey,
  type SessionRecord,
  SessionStore,
  sealedSenderMultiRecipientEncrypt,
} from '#libsignal';
import type { AccountRecord } from '../ports/account-record.ts';
import type { DeviceAddress, DeviceId, UserId } from '../ports/ids.ts';
import { asBuffer } from './as-buffer.ts';
import { CallbackRecords } from './callback-records.ts';
import { ownIdentity } from './libsignal-stores.ts';
import { sessionOf } from './live-session.ts';
import type { Overlay } from './overlay.ts';
import { protocolAddress } from './protocol-address.ts';
import { type SealedOrigin, withOrigin } from './sealed-seal.ts';

/**
 * Puts one outer layer around a ciphertext for many devices: sealed sender, version 2. The caller has checked that there is a session with each of them, under the identity key that their list names.
 * @throws what the store throws
 */
export async function sealForMany(
  overlay: Overlay,
  account: AccountRecord,
  message: CiphertextMessage,
  origin: SealedOrigin,
  devices: readonly DeviceAddress[],
): Promise<Uint8Array> {
  const records = new CallbackRecords(overlay);
  try {
    return await sealedSenderMultiRecipientEncrypt(
      withOrigin(message, origin),
      devices.map(protocolAddress),
      new ManyIdentities(records, ownIdentity(account), account.registrationId),
      new ManySessions(records),
    );
  } catch (cause) {
    records.rethrow();
    throw cause;
  }
}

/** Reads the identity keys of many people. */
class ManyIdentities extends IdentityKeyStore {
  private readonly records: CallbackRecords;
  private readonly own: IdentityKeyPair;
  private readonly registrationId: number;

  constructor(records: CallbackRecords, own: IdentityKeyPair, registrationId: number) {
    super();
    this.records = records;
    this.own = own;
    this.registrationId = registrationId;
  }

  override async getIdentityKey(): Promise<PrivateKey> {
    return this.own.privateKey;
  }

  override async getIdentityKeyPair(): Promise<IdentityKeyPair> {
    return this.own;
  }

  override async getLocalRegistrationId(): Promise<number> {
    return this.registrationId;
  }

  override async saveIdentity(): Promise<IdentityChange> {
    return IdentityChange.NewOrUnchanged;
  }

  override async isTrustedIdentity(): Promise<boolean> {
    return true;
  }

  override async getIdentity(address: ProtocolAddress): Promise<PublicKey | null> {
    const known = await this.records.get('identity', { userId: address.name() as UserId });
    return known === undefined ? null : PublicKey.deserialize(asBuffer(known.key));
  }
}

/** Reads sessions with many people: the outer layer takes registration ids from them, and changes none. */
class ManySessions extends SessionStore {
  private readonly records: CallbackRecords;

  constructor(records: CallbackRecords) {
    super();
    this.records = records;
  }

  override async saveSession(): Promise<void> {
    throw new Error('the outer layer changes no session');
  }

  override async getSession(address: ProtocolAddress): Promise<SessionRecord | null> {
    const device = { userId: address.name() as UserId, deviceId: address.deviceId() as DeviceId };
    const known = await this.records.get('session', device);
    return known === undefined ? null : sessionOf(known);
  }

  override getExistingSessions(addresses: ProtocolAddress[]): Promise<SessionRecord[]> {
    return Promise.all(
      addresses.map(async (address) => {
        const session = await this.getSession(address);
        if (session === null) throw new Error('a session is missing');
        return session;
      }),
    );
  }
}
