import { randomUUID } from 'node:crypto';
import {
  CiphertextMessageType,
  ContentHint,
  groupEncrypt,
  PreKeyBundle,
  PreKeySignalMessage,
  ProtocolAddress,
  processPreKeyBundle,
  SenderCertificate,
  SenderKeyDistributionMessage,
  type SenderKeyRecord,
  SenderKeyStore,
  SignalMessage,
  sealedSenderEncrypt,
  sealedSenderMultiRecipientEncrypt,
  signalDecrypt,
  signalDecryptPreKey,
  signalEncrypt,
  UnidentifiedSenderMessageContent,
} from '@signalapp/libsignal-client';
import { fromBase64Url, SealedContext, type SenderCertificateAnswer } from '@sotto/proto';
import type { DeviceKeys } from './device-keys.ts';
import type { RawAccount } from './raw-account.ts';
import { RawIdentities, RawPrekeys, RawSessions } from './raw-stores.ts';
import type { RelayProcess } from './relay-process.ts';

/** Somebody who writes with libsignal alone, on acknowledged sessions, with a certificate of the relay. */
export class SealedSender {
  readonly account: RawAccount;
  private readonly self: ProtocolAddress;
  private readonly sessions = new RawSessions();
  private readonly identities: RawIdentities;
  private readonly chain = new OneChain();
  private readonly distribution = randomUUID() as Parameters<typeof groupEncrypt>[1];
  private readonly certificate: SenderCertificate;

  /** Asks the relay for a certificate, and makes a session with each of the others. */
  static async open(relay: RelayProcess, account: RawAccount, others: readonly DeviceKeys[]): Promise<SealedSender> {
    const answer = await fetch(`${relay.url}/v1/certificates/sender`, {
      headers: { authorization: `Bearer ${account.accessToken}` },
    });
    const { certificate } = (await answer.json()) as SenderCertificateAnswer;
    const made = SenderCertificate.deserialize(new Uint8Array(fromBase64Url(certificate)));
    const sender = new SealedSender(account, made);
    await SenderKeyDistributionMessage.create(sender.self, sender.distribution, sender.chain);
    for (const other of others) await sender.meet(other);
    return sender;
  }

  private constructor(account: RawAccount, certificate: SenderCertificate) {
    this.account = account;
    this.certificate = certificate;
    this.self = ProtocolAddress.new(account.keys.userId, 1);
    this.identities = new RawIdentities(account.keys.identity, account.keys.registrationId);
  }

  /** What a sender who is named sends. */
  async encrypt(to: DeviceKeys, plaintext: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    return (await this.message(to, plaintext)).serialize();
  }

  /** The same by a sealed sender: version 1. */
  async seal(to: DeviceKeys, plaintext: Uint8Array<ArrayBuffer>, messageId: Uint8Array): Promise<Uint8Array> {
    const content = this.content(await this.message(to, plaintext), messageId);
    return sealedSenderEncrypt(content, addressOf(to), this.identities);
  }

  /** For a group, by a sender who is named. */
  async encryptForGroup(plaintext: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    return (await groupEncrypt(this.self, this.distribution, this.chain, plaintext)).serialize();
  }

  /** For a group, by a sealed sender: version 2. */
  async sealForGroup(
    to: readonly DeviceKeys[],
    plaintext: Uint8Array<ArrayBuffer>,
    messageId: Uint8Array,
  ): Promise<Uint8Array> {
    const message = await groupEncrypt(this.self, this.distribution, this.chain, plaintext);
    const content = this.content(message, messageId);
    return sealedSenderMultiRecipientEncrypt(content, to.map(addressOf), this.identities, this.sessions);
  }

  private message(to: DeviceKeys, plaintext: Uint8Array<ArrayBuffer>) {
    return signalEncrypt(plaintext, addressOf(to), this.self, this.sessions, this.identities);
  }

  private content(message: Awaited<ReturnType<typeof signalEncrypt>>, messageId: Uint8Array) {
    const context = new Uint8Array(SealedContext.encode({ messageId }));
    return UnidentifiedSenderMessageContent.new(message, this.certificate, ContentHint.Default, context);
  }

  /** They write to each other once: from then on messages carry no set-up of their session. */
  private async meet(other: DeviceKeys): Promise<void> {
    const { self, sessions, identities } = this;
    const [there, theirs] = [addressOf(other), new RawIdentities(other.identity, other.registrationId)];
    const [prekeys, theirSessions] = [new RawPrekeys(other), new RawSessions()];
    await processPreKeyBundle(bundleOf(other), there, self, sessions, identities);
    const first = await this.message(other, new Uint8Array(1));
    if (first.type() !== CiphertextMessageType.PreKey) throw new Error('a first message has the set-up with it');
    await signalDecryptPreKey(
      PreKeySignalMessage.deserialize(first.serialize()),
      self,
      there,
      theirSessions,
      theirs,
      prekeys.ec,
      prekeys.signed,
      prekeys.kyber,
    );
    const answer = await signalEncrypt(new Uint8Array(1), self, there, theirSessions, theirs);
    await signalDecrypt(SignalMessage.deserialize(answer.serialize()), there, self, sessions, identities);
  }
}

class OneChain extends SenderKeyStore {
  private record: SenderKeyRecord | null = null;

  override async saveSenderKey(...[, , record]: Parameters<SenderKeyStore['saveSenderKey']>): Promise<void> {
    this.record = record;
  }

  override async getSenderKey(): Promise<SenderKeyRecord | null> {
    return this.record;
  }
}

function addressOf({ userId }: DeviceKeys): ProtocolAddress {
  return ProtocolAddress.new(userId, 1);
}

function bundleOf({ registrationId, prekey, signedPrekey, kyberPrekey, identity }: DeviceKeys): PreKeyBundle {
  return PreKeyBundle.new(
    registrationId,
    1,
    prekey.id(),
    prekey.publicKey(),
    signedPrekey.id(),
    signedPrekey.publicKey(),
    signedPrekey.signature(),
    identity.publicKey,
    kyberPrekey.id(),
    kyberPrekey.publicKey(),
    kyberPrekey.signature(),
  );
}
