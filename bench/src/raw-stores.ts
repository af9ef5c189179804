import {
  type Direction,
  IdentityChange,
  type IdentityKeyPair,
  IdentityKeyStore,
  type KyberPreKeyRecord,
  KyberPreKeyStore,
  type PreKeyRecord,
  PreKeyStore,
  type PrivateKey,
  type ProtocolAddress,
  PublicKey,
  SessionRecord,
  SessionStore,
  type SignedPreKeyRecord,
  SignedPreKeyStore,
} from '@signalapp/libsignal-client';
import type { DeviceKeys } from './device-keys.ts';

function keyOf(address: ProtocolAddress): string {
  return `${address.name()}.${address.deviceId()}`;
}

/** Sessions in memory, serialised at each save as in libsignal's own examples: what any durable store has to do at least. */
export class RawSessions extends SessionStore {
  private readonly records = new Map<string, Uint8Array<ArrayBuffer>>();

  /** Takes over a serialised session. */
  set(address: ProtocolAddress, record: Uint8Array): void {
    this.records.set(keyOf(address), new Uint8Array(record));
  }

  /** The same sessions, which go on by themselves from here. */
  copy(): RawSessions {
    const copy = new RawSessions();
    for (const [key, record] of this.records) copy.records.set(key, record);
    return copy;
  }

  override async saveSession(address: ProtocolAddress, record: SessionRecord): Promise<void> {
    this.records.set(keyOf(address), record.serialize());
  }

  override async getSession(address: ProtocolAddress): Promise<SessionRecord | null> {
    const record = this.records.get(keyOf(address));
    return record === undefined ? null : SessionRecord.deserialize(record);
  }

  override async getExistingSessions(addresses: ProtocolAddress[]): Promise<SessionRecord[]> {
    const sessions = await Promise.all(addresses.map((address) => this.getSession(address)));
    return sessions.filter((session) => session !== null);
  }
}

/** Identities in memory: trust on first use. */
export class RawIdentities extends IdentityKeyStore {
  private readonly own: IdentityKeyPair;
  private readonly registrationId: number;
  private readonly known = new Map<string, Uint8Array<ArrayBuffer>>();

  constructor(own: IdentityKeyPair, registrationId: number) {
    super();
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

  override async saveIdentity(address: ProtocolAddress, key: PublicKey): Promise<IdentityChange> {
    const before = await this.getIdentity(address);
    this.known.set(keyOf(address), key.serialize());
    return before === null || before.equals(key) ? IdentityChange.NewOrUnchanged : IdentityChange.ReplacedExisting;
  }

  override async isTrustedIdentity(address: ProtocolAddress, key: PublicKey, _direction: Direction): Promise<boolean> {
    const known = await this.getIdentity(address);
    return known === null || known.equals(key);
  }

  override async getIdentity(address: ProtocolAddress): Promise<PublicKey | null> {
    const known = this.known.get(keyOf(address));
    return known === undefined ? null : PublicKey.deserialize(known);
  }
}

/** The prekeys of one device, for the first message of a session. */
export class RawPrekeys {
  readonly ec: PreKeyStore;
  readonly signed: SignedPreKeyStore;
  readonly kyber: KyberPreKeyStore;

  constructor(keys: DeviceKeys) {
    const unused = async (): Promise<void> => {
      throw new Error('prekeys are not added while a bench runs');
    };
    this.ec = new (class extends PreKeyStore {
      override savePreKey = unused;
      override async getPreKey(): Promise<PreKeyRecord> {
        return keys.prekey;
      }
      override async removePreKey(): Promise<void> {
        return undefined;
      }
    })();
    this.signed = new (class extends SignedPreKeyStore {
      override saveSignedPreKey = unused;
      override async getSignedPreKey(): Promise<SignedPreKeyRecord> {
        return keys.signedPrekey;
      }
    })();
    this.kyber = new (class extends KyberPreKeyStore {
      override saveKyberPreKey = unused;
      override async getKyberPreKey(): Promise<KyberPreKeyRecord> {
        return keys.kyberPrekey;
      }
      override async markKyberPreKeyUsed(): Promise<void> {
        return undefined;
      }
    })();
  }
}
