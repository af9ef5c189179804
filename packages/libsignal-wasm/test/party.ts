import type { IdentityKeyPair, ProtocolAddress } from '../src/index.ts';
import type { Library, NamedLibrary } from './libraries.ts';
import { MemoryStores } from './memory-stores.ts';

/** A ciphertext on its way, as bytes. */
export interface Sent {
  readonly type: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The public keys of a device, as bytes. */
export interface PublicKeys {
  readonly registrationId: number;
  readonly identity: Uint8Array;
  readonly oneTime: { readonly id: number; readonly key: Uint8Array } | undefined;
  readonly signed: { readonly id: number; readonly key: Uint8Array; readonly signature: Uint8Array };
  readonly kyber: { readonly id: number; readonly key: Uint8Array; readonly signature: Uint8Array };
}

/** A fixed time: none of the tests has to do with the clock. */
export const now = new Date(1_800_000_000_000);

interface PartyOptions {
  readonly deviceId?: number;
  readonly registrationId?: number;
  /** A serialised identity key pair; a new one when not given. */
  readonly own?: Uint8Array<ArrayBuffer>;
}

/** A device on one of the libraries. */
export class Party {
  readonly library: Library;
  readonly address: ProtocolAddress;
  readonly own: IdentityKeyPair;
  readonly stores: MemoryStores;
  private readonly registrationId: number;
  private nextId = 1;

  constructor(
    { library }: NamedLibrary,
    name: string,
    { deviceId = 1, registrationId = 1_234, own }: PartyOptions = {},
  ) {
    this.library = library;
    this.address = library.ProtocolAddress.new(name, deviceId);
    this.own = own === undefined ? library.IdentityKeyPair.generate() : library.IdentityKeyPair.deserialize(own);
    this.registrationId = registrationId;
    this.stores = new MemoryStores(library, this.own, registrationId);
  }

  /** The same device on another library: identity and prekeys are the same, sessions and chains are not. */
  twin(named: NamedLibrary): Party {
    const { registrationId, own, address } = this;
    const twin = new Party(named, address.name(), {
      deviceId: address.deviceId(),
      registrationId,
      own: own.serialize(),
    });
    for (const kind of ['prekeys', 'signedPrekeys', 'kyberPrekeys'] as const) {
      for (const [id, bytes] of this.stores[kind]) twin.stores[kind].set(id, bytes);
    }
    return twin;
  }

  /** Makes prekeys and keeps their private halves. */
  publicKeys({ oneTime = true } = {}): PublicKeys {
    const { library, own, stores } = this;
    const id = this.nextId++;
    const signed = library.PrivateKey.generate();
    const signature = own.privateKey.sign(signed.getPublicKey().serialize());
    const signedRecord = library.SignedPreKeyRecord.new(id, now.getTime(), signed.getPublicKey(), signed, signature);
    stores.signedPrekeys.set(id, signedRecord.serialize());
    const kyber = library.KEMKeyPair.generate();
    const kyberKey = kyber.getPublicKey().serialize();
    const kyberSignature = own.privateKey.sign(kyberKey);
    stores.kyberPrekeys.set(id, library.KyberPreKeyRecord.new(id, now.getTime(), kyber, kyberSignature).serialize());
    const once = library.PrivateKey.generate();
    if (oneTime) stores.prekeys.set(id, library.PreKeyRecord.new(id, once.getPublicKey(), once).serialize());
    return {
      registrationId: this.registrationId,
      identity: own.publicKey.serialize(),
      oneTime: oneTime ? { id, key: once.getPublicKey().serialize() } : undefined,
      signed: { id, key: signed.getPublicKey().serialize(), signature },
      kyber: { id, key: kyberKey, signature: kyberSignature },
    };
  }

  /** Begins a session with a peer. */
  async start(peer: Party, keys: PublicKeys = peer.publicKeys()): Promise<void> {
    const { library, stores } = this;
    const key = (bytes: Uint8Array) => library.PublicKey.deserialize(Uint8Array.from(bytes));
    const bundle = library.PreKeyBundle.new(
      keys.registrationId,
      peer.address.deviceId(),
      keys.oneTime?.id ?? null,
      keys.oneTime === undefined ? null : key(keys.oneTime.key),
      keys.signed.id,
      key(keys.signed.key),
      Uint8Array.from(keys.signed.signature),
      key(keys.identity),
      keys.kyber.id,
      library.KEMPublicKey.deserialize(Uint8Array.from(keys.kyber.key)),
      Uint8Array.from(keys.kyber.signature),
    );
    await library.processPreKeyBundle(bundle, this.addressOf(peer), this.address, stores.session, stores.identity, now);
  }

  async encrypt(peer: Party, text: Uint8Array): Promise<Sent> {
    const { library, stores, address } = this;
    const bytes = Uint8Array.from(text);
    const to = this.addressOf(peer);
    const message = await library.signalEncrypt(bytes, to, address, stores.session, stores.identity, now);
    return { type: message.type(), bytes: message.serialize() };
  }

  async decrypt(peer: Party, { type, bytes }: Sent): Promise<Uint8Array> {
    const { library, stores, address } = this;
    const from = this.addressOf(peer);
    if (type === library.CiphertextMessageType.PreKey) {
      const message = library.PreKeySignalMessage.deserialize(bytes);
      const { prekey, signedPrekey, kyberPrekey } = stores;
      const keys = [prekey, signedPrekey, kyberPrekey] as const;
      return library.signalDecryptPreKey(message, from, address, stores.session, stores.identity, ...keys);
    }
    const message = library.SignalMessage.deserialize(bytes);
    return library.signalDecrypt(message, from, address, stores.session, stores.identity);
  }

  /** A peer's address as an object of the own library. */
  addressOf(peer: Party): ProtocolAddress {
    return this.library.ProtocolAddress.new(peer.address.name(), peer.address.deviceId());
  }
}
