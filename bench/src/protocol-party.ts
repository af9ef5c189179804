import type * as wasm from '@sotto/libsignal-wasm';

/** What the native library and the WebAssembly one offer under the same names. */
export type ProtocolLibrary = Omit<typeof wasm, 'ready'>;

const distribution = 'd1d1d1d1-7000-11eb-b32a-33b8a8a487a6';
const now = new Date(1_800_000_000_000);

/** A device whose stores are bytes in memory: what any durable store has to do at least. */
export class ProtocolParty {
  private readonly library: ProtocolLibrary;
  private readonly address;
  private readonly own;
  private readonly sessions;
  private readonly identities;
  private readonly chains;
  private readonly prekeys;
  private readonly bundle;

  constructor(library: ProtocolLibrary, name: string) {
    this.library = library;
    this.address = library.ProtocolAddress.new(name, 1);
    this.own = library.IdentityKeyPair.generate();
    const records = new Map<string, Uint8Array<ArrayBuffer>>();
    const { own } = this;
    this.sessions = new (class extends library.SessionStore {
      override async saveSession(address: wasm.ProtocolAddress, record: wasm.SessionRecord): Promise<void> {
        records.set(address.toString(), record.serialize());
      }
      override async getSession(address: wasm.ProtocolAddress): Promise<wasm.SessionRecord | null> {
        const bytes = records.get(address.toString());
        return bytes === undefined ? null : library.SessionRecord.deserialize(bytes);
      }
      override async getExistingSessions(): Promise<wasm.SessionRecord[]> {
        return [];
      }
    })();
    this.identities = new (class extends library.IdentityKeyStore {
      override getIdentityKey = async () => own.privateKey;
      override getIdentityKeyPair = async () => own;
      override getLocalRegistrationId = async () => 1;
      override saveIdentity = async () => library.IdentityChange.NewOrUnchanged;
      override isTrustedIdentity = async () => true;
      override getIdentity = async () => null;
    })();
    this.chains = new (class extends library.SenderKeyStore {
      override async saveSenderKey(
        address: wasm.ProtocolAddress,
        _: string,
        record: wasm.SenderKeyRecord,
      ): Promise<void> {
        records.set(`chain ${address.toString()}`, record.serialize());
      }
      override async getSenderKey(address: wasm.ProtocolAddress): Promise<wasm.SenderKeyRecord | null> {
        const bytes = records.get(`chain ${address.toString()}`);
        return bytes === undefined ? null : library.SenderKeyRecord.deserialize(bytes);
      }
    })();
    const [once, signed, kyber] = [
      library.PrivateKey.generate(),
      library.PrivateKey.generate(),
      library.KEMKeyPair.generate(),
    ];
    const [signedKey, kyberKey] = [signed.getPublicKey(), kyber.getPublicKey()];
    const signature = own.privateKey.sign(signedKey.serialize());
    const kyberSignature = own.privateKey.sign(kyberKey.serialize());
    const ec = library.PreKeyRecord.new(1, once.getPublicKey(), once);
    const signedRecord = library.SignedPreKeyRecord.new(1, now.getTime(), signedKey, signed, signature);
    const kyberRecord = library.KyberPreKeyRecord.new(1, now.getTime(), kyber, kyberSignature);
    const nothing = async () => undefined;
    this.prekeys = [
      new (class extends library.PreKeyStore {
        override savePreKey = nothing;
        override getPreKey = async () => ec;
        override removePreKey = nothing;
      })(),
      new (class extends library.SignedPreKeyStore {
        override saveSignedPreKey = nothing;
        override getSignedPreKey = async () => signedRecord;
      })(),
      new (class extends library.KyberPreKeyStore {
        override saveKyberPreKey = nothing;
        override getKyberPreKey = async () => kyberRecord;
        override markKyberPreKeyUsed = nothing;
      })(),
    ] as const;
    const keys = [1, once.getPublicKey(), 1, signedKey, signature, own.publicKey, 1, kyberKey, kyberSignature] as const;
    this.bundle = library.PreKeyBundle.new(1, 1, ...keys);
  }

  start(peer: ProtocolParty): Promise<void> {
    const { library, address, sessions, identities } = this;
    return library.processPreKeyBundle(peer.bundle, peer.address, address, sessions, identities, now);
  }

  encrypt(peer: ProtocolParty, text: Uint8Array<ArrayBuffer>): Promise<wasm.CiphertextMessage> {
    const { library, address, sessions, identities } = this;
    return library.signalEncrypt(text, peer.address, address, sessions, identities, now);
  }

  decrypt(peer: ProtocolParty, message: wasm.CiphertextMessage): Promise<Uint8Array> {
    const { library, address, sessions, identities } = this;
    const bytes = message.serialize();
    if (message.type() === library.CiphertextMessageType.PreKey) {
      const first = library.PreKeySignalMessage.deserialize(bytes);
      return library.signalDecryptPreKey(first, peer.address, address, sessions, identities, ...this.prekeys);
    }
    const later = library.SignalMessage.deserialize(bytes);
    return library.signalDecrypt(later, peer.address, address, sessions, identities);
  }

  async giveChain(peer: ProtocolParty): Promise<void> {
    const chain = await this.library.SenderKeyDistributionMessage.create(this.address, distribution, this.chains);
    await peer.library.processSenderKeyDistributionMessage(this.address, chain, peer.chains);
  }

  async encryptForGroup(text: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.library.groupEncrypt(this.address, distribution, this.chains, text)).serialize();
  }

  decryptOfGroup(peer: ProtocolParty, bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    return this.library.groupDecrypt(peer.address, this.chains, bytes);
  }
}
