import type {
  IdentityKeyPair,
  KyberPreKeyRecord,
  PreKeyRecord,
  PrivateKey,
  ProtocolAddress,
  PublicKey,
  SenderKeyRecord,
  SessionRecord,
  SignedPreKeyRecord,
  Uuid,
} from '../src/index.ts';
import type { Library } from './libraries.ts';

/** Stores of bytes in memory, for either library. Each call is noted: both libraries have to make the same ones. */
export class MemoryStores {
  readonly calls: string[] = [];
  readonly sessions = new Map<string, Uint8Array>();
  readonly identities = new Map<string, Uint8Array>();
  readonly prekeys = new Map<number, Uint8Array>();
  readonly signedPrekeys = new Map<number, Uint8Array>();
  readonly kyberPrekeys = new Map<number, Uint8Array>();
  readonly senderKeys = new Map<string, Uint8Array>();
  readonly session;
  readonly identity;
  readonly prekey;
  readonly signedPrekey;
  readonly kyberPrekey;
  readonly senderKey;

  constructor(library: Library, own: IdentityKeyPair, registrationId: number) {
    const { calls, sessions, identities, prekeys, signedPrekeys, kyberPrekeys, senderKeys } = this;
    const note = (call: string) => calls.push(call);
    this.session = new (class extends library.SessionStore {
      override async saveSession(address: ProtocolAddress, record: SessionRecord): Promise<void> {
        note(`saveSession ${address.toString()}`);
        sessions.set(address.toString(), record.serialize());
      }
      override async getSession(address: ProtocolAddress): Promise<SessionRecord | null> {
        note(`getSession ${address.toString()}`);
        const bytes = sessions.get(address.toString());
        return bytes === undefined ? null : library.SessionRecord.deserialize(bytes);
      }
      override async getExistingSessions(addresses: ProtocolAddress[]): Promise<SessionRecord[]> {
        return addresses.map((address) => library.SessionRecord.deserialize(known(sessions, address.toString())));
      }
    })();
    this.identity = new (class extends library.IdentityKeyStore {
      override async getIdentityKey(): Promise<PrivateKey> {
        note('getIdentityKey');
        return own.privateKey;
      }
      override async getLocalRegistrationId(): Promise<number> {
        note('getLocalRegistrationId');
        return registrationId;
      }
      override async saveIdentity(address: ProtocolAddress, key: PublicKey): Promise<0 | 1> {
        note(`saveIdentity ${address.toString()}`);
        const before = identities.get(address.toString());
        identities.set(address.toString(), key.serialize());
        return before === undefined || Buffer.from(before).equals(key.serialize()) ? 0 : 1;
      }
      override async isTrustedIdentity(address: ProtocolAddress, key: PublicKey, direction: 0 | 1): Promise<boolean> {
        note(`isTrustedIdentity ${address.toString()} ${direction}`);
        const before = identities.get(address.toString());
        return direction === 1 || before === undefined || Buffer.from(before).equals(key.serialize());
      }
      override async getIdentity(address: ProtocolAddress): Promise<PublicKey | null> {
        note(`getIdentity ${address.toString()}`);
        const bytes = identities.get(address.toString());
        return bytes === undefined ? null : library.PublicKey.deserialize(bytes);
      }
    })();
    this.prekey = new (class extends library.PreKeyStore {
      override async savePreKey(id: number, record: PreKeyRecord): Promise<void> {
        prekeys.set(id, record.serialize());
      }
      override async getPreKey(id: number): Promise<PreKeyRecord> {
        note(`getPreKey ${id}`);
        return library.PreKeyRecord.deserialize(known(prekeys, id));
      }
      override async removePreKey(id: number): Promise<void> {
        note(`removePreKey ${id}`);
        prekeys.delete(id);
      }
    })();
    this.signedPrekey = new (class extends library.SignedPreKeyStore {
      override async saveSignedPreKey(id: number, record: SignedPreKeyRecord): Promise<void> {
        signedPrekeys.set(id, record.serialize());
      }
      override async getSignedPreKey(id: number): Promise<SignedPreKeyRecord> {
        note(`getSignedPreKey ${id}`);
        return library.SignedPreKeyRecord.deserialize(known(signedPrekeys, id));
      }
    })();
    this.kyberPrekey = new (class extends library.KyberPreKeyStore {
      override async saveKyberPreKey(id: number, record: KyberPreKeyRecord): Promise<void> {
        kyberPrekeys.set(id, record.serialize());
      }
      override async getKyberPreKey(id: number): Promise<KyberPreKeyRecord> {
        note(`getKyberPreKey ${id}`);
        return library.KyberPreKeyRecord.deserialize(known(kyberPrekeys, id));
      }
      override async markKyberPreKeyUsed(id: number, signedId: number): Promise<void> {
        note(`markKyberPreKeyUsed ${id} ${signedId}`);
      }
    })();
    this.senderKey = new (class extends library.SenderKeyStore {
      override async saveSenderKey(sender: ProtocolAddress, id: Uuid, record: SenderKeyRecord): Promise<void> {
        note(`saveSenderKey ${sender.toString()} ${id}`);
        senderKeys.set(`${sender.toString()} ${id}`, record.serialize());
      }
      override async getSenderKey(sender: ProtocolAddress, id: Uuid): Promise<SenderKeyRecord | null> {
        note(`getSenderKey ${sender.toString()} ${id}`);
        const bytes = senderKeys.get(`${sender.toString()} ${id}`);
        return bytes === undefined ? null : library.SenderKeyRecord.deserialize(bytes);
      }
    })();
  }
}

function known<Key>(records: ReadonlyMap<Key, Uint8Array>, key: Key): Uint8Array<ArrayBuffer> {
  const bytes = records.get(key);
  if (bytes === undefined) throw new Error('there is no such record');
  return Uint8Array.from(bytes);
}
