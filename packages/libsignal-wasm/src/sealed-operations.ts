import { type Aci, ProtocolAddress, ServiceId } from './address.ts';
import { aciOf, type SenderCertificate } from './certificates.ts';
import { CiphertextMessageType } from './ciphertext-message.ts';
import type { PublicKey } from './ec-keys.ts';
import { LibSignalErrorBase } from './errors.ts';
import { call, operate } from './library.ts';
import { ContentHint, UnidentifiedSenderMessageContent } from './sealed-content.ts';
import { signalDecrypt, signalDecryptPreKey, signalEncrypt } from './session-operations.ts';
import { PreKeySignalMessage, SignalMessage } from './signal-message.ts';
import { answersOf } from './store-answers.ts';
import type { IdentityKeyStore, KyberPreKeyStore, PreKeyStore, SessionStore, SignedPreKeyStore } from './stores.ts';
import { type Bytes, type Fields, Values } from './wire.ts';

const bytesOf = (fields: Fields): Bytes => fields.bytes();

/** Encrypts on a session and puts the outer layer around it (sealed sender, version 1). @throws {LibSignalErrorBase} */
export async function sealedSenderEncryptMessage(
  message: Uint8Array,
  address: ProtocolAddress,
  senderCert: SenderCertificate,
  sessionStore: SessionStore,
  identityStore: IdentityKeyStore,
): Promise<Bytes> {
  const local = ProtocolAddress.new(senderCert.senderUuid(), senderCert.senderDeviceId());
  const ciphertext = await signalEncrypt(message, address, local, sessionStore, identityStore);
  const content = UnidentifiedSenderMessageContent.new(ciphertext, senderCert, ContentHint.Default, null);
  return sealedSenderEncrypt(content, address, identityStore);
}

/** Puts the outer layer around a ciphertext for one device: version 1. @throws {LibSignalErrorBase} */
export async function sealedSenderEncrypt(
  content: UnidentifiedSenderMessageContent,
  address: ProtocolAddress,
  identityStore: IdentityKeyStore,
): Promise<Bytes> {
  const values = address.under(new Values()).bytes(content.serialize());
  return operate('SealedSender_Encrypt', values, answersOf({ identities: identityStore }), bytesOf);
}

/** What one outer layer is put around, and for whom. */
export interface SealedSenderMultiRecipientEncryptOptions {
  content: UnidentifiedSenderMessageContent;
  recipients: ProtocolAddress[];
  excludedRecipients?: ServiceId[];
  identityStore: IdentityKeyStore;
  sessionStore: SessionStore;
}

/** Puts one outer layer around a ciphertext for many devices: version 2. @throws {LibSignalErrorBase} */
export async function sealedSenderMultiRecipientEncrypt(
  contentOrOptions: UnidentifiedSenderMessageContent | SealedSenderMultiRecipientEncryptOptions,
  recipients?: ProtocolAddress[],
  identityStore?: IdentityKeyStore,
  sessionStore?: SessionStore,
): Promise<Bytes> {
  if (!(contentOrOptions instanceof UnidentifiedSenderMessageContent)) return sealForMany(contentOrOptions);
  if (!recipients || !identityStore || !sessionStore) {
    throw new Error('missing arguments for sealedSenderMultiRecipientEncrypt');
  }
  return sealForMany({ content: contentOrOptions, recipients, identityStore, sessionStore });
}

async function sealForMany(options: SealedSenderMultiRecipientEncryptOptions): Promise<Bytes> {
  const { content, recipients, excludedRecipients = [], identityStore, sessionStore } = options;
  const sessions = await sessionStore.getExistingSessions(recipients);
  const operation = 'SealedSender_MultiRecipientEncrypt';
  if (sessions.length !== recipients.length) {
    const problem = 'invalid argument: must have the same number of destination sessions as addresses';
    throw new LibSignalErrorBase(problem, '', operation);
  }
  const values = new Values().bytes(content.serialize()).u32(recipients.length);
  for (const [at, session] of sessions.entries()) session.under(recipients[at]?.under(values) ?? values);
  values.bytes(ServiceId.toConcatenatedFixedWidthBinary(excludedRecipients));
  return operate(operation, values, answersOf({ identities: identityStore }), bytesOf);
}

/** What one recipient gets of a message for many, when it is for one only. @throws {LibSignalErrorBase} */
export function sealedSenderMultiRecipientMessageForSingleRecipient(message: Uint8Array): Bytes {
  return call('SealedSender_MultiRecipientMessageForSingleRecipient', new Values().bytes(message), bytesOf);
}

/** Opens the outer layer, of either version. @throws {LibSignalErrorBase} */
export async function sealedSenderDecryptToUsmc(
  message: Uint8Array,
  identityStore: IdentityKeyStore,
): Promise<UnidentifiedSenderMessageContent> {
  const values = new Values().bytes(message);
  const answers = answersOf({ identities: identityStore });
  return operate('SealedSender_DecryptToUsmc', values, answers, UnidentifiedSenderMessageContent.ofLibrary);
}

/** What a sealed message held, and who sent it. */
export class SealedSenderDecryptionResult {
  private readonly text: Bytes;
  private readonly sender: SenderCertificate;

  constructor(text: Bytes, sender: SenderCertificate) {
    this.text = text;
    this.sender = sender;
  }

  message(): Bytes {
    return this.text.slice();
  }

  senderE164(): string | null {
    return this.sender.senderE164();
  }

  senderUuid(): string {
    return this.sender.senderUuid();
  }

  senderAci(): Aci | null {
    return aciOf(this.senderUuid());
  }

  deviceId(): number {
    return this.sender.senderDeviceId();
  }
}

/** Opens both layers of what a sealed sender sent on a session. @throws {LibSignalErrorBase} */
export async function sealedSenderDecryptMessage(
  message: Uint8Array,
  trustRoot: PublicKey,
  timestamp: number,
  localE164: string | null,
  localUuid: string,
  localDeviceId: number,
  sessionStore: SessionStore,
  identityStore: IdentityKeyStore,
  prekeyStore: PreKeyStore,
  signedPrekeyStore: SignedPreKeyStore,
  kyberPrekeyStore: KyberPreKeyStore,
): Promise<SealedSenderDecryptionResult> {
  const operation = 'SealedSender_DecryptMessage';
  const content = await sealedSenderDecryptToUsmc(message, identityStore);
  const sender = content.senderCertificate();
  if (!sender.validate(trustRoot, timestamp)) {
    throw new LibSignalErrorBase('invalid sealed sender message: trust root validation failed', '', operation);
  }
  const isOwn = sender.senderUuid() === localUuid || (localE164 !== null && sender.senderE164() === localE164);
  if (isOwn && sender.senderDeviceId() === localDeviceId) {
    throw new LibSignalErrorBase('self send of a sealed sender message', 'SealedSenderSelfSend', operation);
  }
  const remote = ProtocolAddress.new(sender.senderUuid(), sender.senderDeviceId());
  const local = ProtocolAddress.new(localUuid, localDeviceId);
  const bytes = content.contents();
  switch (content.msgType()) {
    case CiphertextMessageType.Whisper: {
      const inner = SignalMessage.deserialize(bytes);
      const text = await signalDecrypt(inner, remote, local, sessionStore, identityStore);
      return new SealedSenderDecryptionResult(text, sender);
    }
    case CiphertextMessageType.PreKey: {
      const inner = PreKeySignalMessage.deserialize(bytes);
      const stores = [prekeyStore, signedPrekeyStore, kyberPrekeyStore] as const;
      const text = await signalDecryptPreKey(inner, remote, local, sessionStore, identityStore, ...stores);
      return new SealedSenderDecryptionResult(text, sender);
    }
    default:
      throw new LibSignalErrorBase('unexpected message type for sealed_sender_decrypt', '', operation);
  }
}
