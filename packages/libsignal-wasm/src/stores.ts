import type { ProtocolAddress } from './address.ts';
import { IdentityKeyPair, type PrivateKey, type PublicKey } from './ec-keys.ts';
import type { KyberPreKeyRecord, PreKeyRecord, SignedPreKeyRecord } from './prekey-records.ts';
import type { SenderKeyRecord } from './sender-key-record.ts';
import type { SessionRecord } from './session-record.ts';
import type { Uuid } from './uuid.ts';

/** What an identity key is asked about for. */
export const Direction = { Sending: 0, Receiving: 1 } as const;

export type Direction = (typeof Direction)[keyof typeof Direction];

/** What became of a saved identity key. */
export const IdentityChange = { NewOrUnchanged: 0, ReplacedExisting: 1 } as const;

export type IdentityChange = (typeof IdentityChange)[keyof typeof IdentityChange];

/** Where sessions are kept. */
export abstract class SessionStore {
  abstract saveSession(name: ProtocolAddress, record: SessionRecord): Promise<void>;
  abstract getSession(name: ProtocolAddress): Promise<SessionRecord | null>;
  abstract getExistingSessions(addresses: ProtocolAddress[]): Promise<SessionRecord[]>;
}

/** Where identity keys are kept, the own one and those of others. */
export abstract class IdentityKeyStore {
  abstract getIdentityKey(): Promise<PrivateKey>;

  async getIdentityKeyPair(): Promise<IdentityKeyPair> {
    const privateKey = await this.getIdentityKey();
    return new IdentityKeyPair(privateKey.getPublicKey(), privateKey);
  }

  abstract getLocalRegistrationId(): Promise<number>;
  abstract saveIdentity(name: ProtocolAddress, key: PublicKey): Promise<IdentityChange>;
  abstract isTrustedIdentity(name: ProtocolAddress, key: PublicKey, direction: Direction): Promise<boolean>;
  abstract getIdentity(name: ProtocolAddress): Promise<PublicKey | null>;
}

/** Where own one-time prekeys are kept. */
export abstract class PreKeyStore {
  abstract savePreKey(id: number, record: PreKeyRecord): Promise<void>;
  abstract getPreKey(id: number): Promise<PreKeyRecord>;
  abstract removePreKey(id: number): Promise<void>;
}

/** Where own signed prekeys are kept. */
export abstract class SignedPreKeyStore {
  abstract saveSignedPreKey(id: number, record: SignedPreKeyRecord): Promise<void>;
  abstract getSignedPreKey(id: number): Promise<SignedPreKeyRecord>;
}

/** Where own Kyber prekeys are kept: a one-time key goes when it is used, a last-resort key refuses a repeated base key. */
export abstract class KyberPreKeyStore {
  abstract saveKyberPreKey(kyberPreKeyId: number, record: KyberPreKeyRecord): Promise<void>;
  abstract getKyberPreKey(kyberPreKeyId: number): Promise<KyberPreKeyRecord>;
  abstract markKyberPreKeyUsed(kyberPreKeyId: number, signedPreKeyId: number, baseKey: PublicKey): Promise<void>;
}

/** Where the chains of groups are kept. */
export abstract class SenderKeyStore {
  abstract saveSenderKey(sender: ProtocolAddress, distributionId: Uuid, record: SenderKeyRecord): Promise<void>;
  abstract getSenderKey(sender: ProtocolAddress, distributionId: Uuid): Promise<SenderKeyRecord | null>;
}
