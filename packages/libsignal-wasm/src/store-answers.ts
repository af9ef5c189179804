import { ProtocolAddress } from './address.ts';
import { PublicKey } from './ec-keys.ts';
import type { Answer } from './library.ts';
import { SenderKeyRecord } from './sender-key-record.ts';
import { SessionRecord } from './session-record.ts';
import type {
  Direction,
  IdentityKeyStore,
  KyberPreKeyStore,
  PreKeyStore,
  SenderKeyStore,
  SessionStore,
  SignedPreKeyStore,
} from './stores.ts';
import { uuidText } from './uuid.ts';
import { type Fields, Values } from './wire.ts';

/** The stores of an operation, as far as it asks any. */
export interface AskedStores {
  readonly sessions?: SessionStore;
  readonly identities?: IdentityKeyStore;
  readonly prekeys?: PreKeyStore;
  readonly signedPrekeys?: SignedPreKeyStore;
  readonly kyberPrekeys?: KyberPreKeyStore;
  readonly senderKeys?: SenderKeyStore;
}

type Method = (stores: AskedStores, fields: Fields) => Promise<Values>;

/** Answers an operation's questions from stores: one call of a store each, in the library's order. */
export function answersOf(stores: AskedStores): Answer {
  return (method, fields) => {
    const answer = methods[method];
    if (answer === undefined) throw new Error(`the library asked for ${method}`);
    return answer(stores, fields);
  };
}

function needed<Store>(store: Store | undefined): Store {
  if (store === undefined) throw new Error('the operation has no such store');
  return store;
}

function addressOf(fields: Fields): ProtocolAddress {
  const name = fields.text();
  return ProtocolAddress.new(name, fields.u32());
}

/** By the names that the native library gives them in errors. Each reads its fields before it waits. */
const methods: Readonly<Record<string, Method>> = {
  async loadSession({ sessions }, fields) {
    const record = await needed(sessions).getSession(addressOf(fields));
    return record ? record.under(new Values()) : new Values().optional(null);
  },

  async storeSession({ sessions }, fields) {
    const address = addressOf(fields);
    await needed(sessions).saveSession(address, SessionRecord.ofLibrary(fields.bytes()));
    return new Values();
  },

  async getLocalIdentityKeyPair({ identities }) {
    const { publicKey, privateKey } = await needed(identities).getIdentityKeyPair();
    return new Values().bytes(publicKey.serialize()).bytes(privateKey.serialize());
  },

  async getLocalRegistrationId({ identities }) {
    return new Values().u32(await needed(identities).getLocalRegistrationId());
  },

  async saveIdentityKey({ identities }, fields) {
    const address = addressOf(fields);
    return new Values().u32(await needed(identities).saveIdentity(address, PublicKey.ofLibrary(fields.bytes())));
  },

  async isTrustedIdentity({ identities }, fields) {
    const address = addressOf(fields);
    const key = PublicKey.ofLibrary(fields.bytes());
    const direction = fields.u32() as Direction;
    return new Values().flag(await needed(identities).isTrustedIdentity(address, key, direction));
  },

  async getIdentityKey({ identities }, fields) {
    const key = await needed(identities).getIdentity(addressOf(fields));
    return new Values().optional(key ? key.serialize() : null);
  },

  async loadPreKey({ prekeys }, fields) {
    const record = await needed(prekeys).getPreKey(fields.u32());
    return new Values().bytes(record.serialize());
  },

  async removePreKey({ prekeys }, fields) {
    await needed(prekeys).removePreKey(fields.u32());
    return new Values();
  },

  async loadSignedPreKey({ signedPrekeys }, fields) {
    const record = await needed(signedPrekeys).getSignedPreKey(fields.u32());
    return new Values().bytes(record.serialize());
  },

  async loadKyberPreKey({ kyberPrekeys }, fields) {
    const record = await needed(kyberPrekeys).getKyberPreKey(fields.u32());
    return new Values().bytes(record.serialize());
  },

  async markKyberPreKeyUsed({ kyberPrekeys }, fields) {
    const id = fields.u32();
    const signedId = fields.u32();
    await needed(kyberPrekeys).markKyberPreKeyUsed(id, signedId, PublicKey.ofLibrary(fields.bytes()));
    return new Values();
  },

  async loadSenderKey({ senderKeys }, fields) {
    const address = addressOf(fields);
    const record = await needed(senderKeys).getSenderKey(address, uuidText(fields.bytes()));
    return record ? record.under(new Values()) : new Values().optional(null);
  },

  async storeSenderKey({ senderKeys }, fields) {
    const address = addressOf(fields);
    const distributionId = uuidText(fields.bytes());
    await needed(senderKeys).saveSenderKey(address, distributionId, SenderKeyRecord.ofLibrary(fields.bytes()));
    return new Values();
  },
};
