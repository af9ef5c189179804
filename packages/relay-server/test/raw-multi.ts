import { randomBytes } from 'node:crypto';
import {
  CiphertextMessageType,
  ContentHint,
  groupEncrypt,
  IdentityChange,
  type IdentityKeyPair,
  IdentityKeyStore,
  KEMKeyPair,
  PreKeyBundle,
  PrivateKey,
  ProtocolAddress,
  type PublicKey,
  processPreKeyBundle,
  SenderCertificate,
  SenderKeyDistributionMessage,
  SenderKeyStore,
  ServerCertificate,
  type SessionRecord,
  SessionStore,
  sealedSenderMultiRecipientEncrypt,
  UnidentifiedSenderMessageContent,
} from '@signalapp/libsignal-client';
import { makeKeys, type RawKeys } from './raw-keys.ts';

/** A device of somebody who is written to. */
export interface MultiTarget {
  readonly keys: RawKeys;
  readonly deviceId: number;
  readonly registrationId: number;
}

class Identities extends IdentityKeyStore {
  readonly known = new Map<string, PublicKey>();
  readonly #own: IdentityKeyPair;

  constructor(own: IdentityKeyPair) {
    super();
    this.#own = own;
  }

  override async getIdentityKey(): Promise<PrivateKey> {
    return this.#own.privateKey;
  }

  override async getIdentityKeyPair(): Promise<IdentityKeyPair> {
    return this.#own;
  }

  override async getLocalRegistrationId(): Promise<number> {
    return 1;
  }

  override async saveIdentity(address: ProtocolAddress, key: PublicKey): Promise<IdentityChange> {
    this.known.set(address.name(), key);
    return IdentityChange.NewOrUnchanged;
  }

  override async isTrustedIdentity(): Promise<boolean> {
    return true;
  }

  override async getIdentity(address: ProtocolAddress): Promise<PublicKey | null> {
    return this.known.get(address.name()) ?? null;
  }
}

class Sessions extends SessionStore {
  readonly #sessions = new Map<string, SessionRecord>();

  override async saveSession(address: ProtocolAddress, record: SessionRecord): Promise<void> {
    this.#sessions.set(address.toString(), record);
  }

  override async getSession(address: ProtocolAddress): Promise<SessionRecord | null> {
    return this.#sessions.get(address.toString()) ?? null;
  }

  override async getExistingSessions(addresses: ProtocolAddress[]): Promise<SessionRecord[]> {
    return addresses.flatMap((address) => this.#sessions.get(address.toString()) ?? []);
  }
}

class OneChain extends SenderKeyStore {
  #record: Awaited<ReturnType<SenderKeyStore['getSenderKey']>> = null;

  override async saveSenderKey(...[, , record]: Parameters<SenderKeyStore['saveSenderKey']>): Promise<void> {
    this.#record = record;
  }

  override async getSenderKey(): Promise<Awaited<ReturnType<SenderKeyStore['getSenderKey']>>> {
    return this.#record;
  }
}

/** One sealed-sender message, version 2, for all of these devices, by somebody whom the relay does not know. */
export async function multiMessage(targets: readonly MultiTarget[]): Promise<Uint8Array> {
  const sender = makeKeys();
  const own = ProtocolAddress.new(sender.userId, 1);
  const [identities, sessions, chain] = [new Identities(sender.identity), new Sessions(), new OneChain()];
  for (const { keys, deviceId, registrationId } of targets) {
    const [signed, kyber] = [PrivateKey.generate().getPublicKey(), KEMKeyPair.generate().getPublicKey()];
    const signatureOf = (key: Uint8Array<ArrayBuffer>) => keys.identity.privateKey.sign(key);
    const signatures = [signatureOf(signed.serialize()), signatureOf(kyber.serialize())] as const;
    const bundle = PreKeyBundle.new(
      registrationId,
      deviceId,
      null,
      null,
      1,
      signed,
      signatures[0],
      keys.identity.publicKey,
      1,
      kyber,
      signatures[1],
    );
    await processPreKeyBundle(bundle, ProtocolAddress.new(keys.userId, deviceId), own, sessions, identities);
  }
  const distribution = '00000000-0000-4000-8000-000000000001';
  await SenderKeyDistributionMessage.create(own, distribution, chain);
  const message = await groupEncrypt(own, distribution, chain, Uint8Array.from(randomBytes(160)));
  if (message.type() !== CiphertextMessageType.SenderKey) throw new Error('no message under a sender key');
  const [root, server] = [PrivateKey.generate(), PrivateKey.generate()];
  const certificate = SenderCertificate.new(
    sender.userId,
    null,
    1,
    sender.identity.publicKey,
    Date.now(),
    ServerCertificate.new(1, server.getPublicKey(), root),
    server,
  );
  const content = UnidentifiedSenderMessageContent.new(message, certificate, ContentHint.Default, null);
  const addresses = targets.map(({ keys, deviceId }) => ProtocolAddress.new(keys.userId, deviceId));
  return sealedSenderMultiRecipientEncrypt(content, addresses, identities, sessions);
}
