import { CiphertextKind, Envelope, ProtoError, RetryRequest, SealedContext, uuidToBytes } from '@sotto/proto';
import {
  CiphertextMessageType,
  IdentityChange,
  type IdentityKeyPair,
  IdentityKeyStore,
  LibSignalErrorBase,
  type PrivateKey,
  sealedSenderDecryptToUsmc,
  type UnidentifiedSenderMessageContent,
} from '#libsignal';
import { asBuffer } from './as-buffer.ts';
import { Hold } from './hold.ts';
import { type CertifiedSender, certifiedSender } from './sealed-certificate.ts';

/** A sealed envelope after its first layer. */
export interface UnsealedEnvelope extends CertifiedSender {
  /** As it would have come from a sender who says who they are. */
  readonly envelope: Envelope;
}

const kinds: ReadonlyMap<number, CiphertextKind> = new Map([
  [CiphertextMessageType.Whisper, CiphertextKind.CIPHERTEXT_KIND_WHISPER],
  [CiphertextMessageType.PreKey, CiphertextKind.CIPHERTEXT_KIND_PREKEY],
  [CiphertextMessageType.SenderKey, CiphertextKind.CIPHERTEXT_KIND_SENDER_KEY],
  [CiphertextMessageType.Plaintext, CiphertextKind.CIPHERTEXT_KIND_RETRY_REQUEST],
]);

/** First bytes of versions 1 and 2 as they are made: libsignal passes over what else may stand there, and takes other bytes for the same message. */
const versions: ReadonlySet<number | undefined> = new Set([0x11, 0x22]);

/**
 * Opens the outer layer of a sealed envelope, of either version, and finds out who sent it. Touches no session: what stands inside is opened as if its sender had been named.
 *
 * The certificate is held against the time at which the relay took the message: it may have waited for weeks. One that was outdated by then (clocks jump) is for the caller to judge.
 * @param envelope of kind SEALED
 * @param own the identity key pairs that it may be made for: they are tried one after another
 * @throws {Hold} `malformed-envelope` when it names what a sealed one must not; `undecryptable`, `malformed-ciphertext`, `unknown-kind`, `certificate-invalid`
 */
export async function unseal(
  envelope: Envelope,
  own: readonly IdentityKeyPair[],
  trustRoots: readonly Uint8Array[],
): Promise<UnsealedEnvelope> {
  const { messageId, senderUser, senderDevice, groupId, groupEpoch } = envelope;
  if (messageId.length + senderUser.length + groupId.length > 0 || senderDevice !== 0 || groupEpoch !== 0) {
    throw new Hold('malformed-envelope');
  }
  if (!versions.has(envelope.ciphertext[0])) throw new Hold('malformed-ciphertext');
  const content = await outerLayer(envelope.ciphertext, own);
  const { sender, identityKey, isOutdated } = certifiedSender(
    content.senderCertificate(),
    trustRoots,
    envelope.acceptedAt,
  );
  const kind = kinds.get(content.msgType());
  if (kind === undefined) throw new Hold('unknown-kind');
  const context = readContext(content.groupId());
  const named = Envelope.encode({
    ...envelope,
    kind,
    ciphertext:
      kind === CiphertextKind.CIPHERTEXT_KIND_RETRY_REQUEST ? requestOf(content, context) : content.contents(),
    messageId: context.messageId,
    senderUser: uuidToBytes(sender.userId),
    senderDevice: sender.deviceId,
    groupId: context.groupId,
    groupEpoch: context.groupEpoch,
  });
  return { envelope: Envelope.decode(named), sender, identityKey, isOutdated };
}

async function outerLayer(
  ciphertext: Uint8Array,
  own: readonly IdentityKeyPair[],
): Promise<UnidentifiedSenderMessageContent> {
  let last: LibSignalErrorBase | undefined;
  for (const pair of own) {
    try {
      return await sealedSenderDecryptToUsmc(asBuffer(ciphertext), new OwnIdentity(pair));
    } catch (cause) {
      if (!(cause instanceof LibSignalErrorBase)) throw cause;
      last = cause;
    }
  }
  throw new Hold('undecryptable', { cause: last });
}

/** A request to send something again, as it would have come with its sender's name. */
function requestOf(
  content: UnidentifiedSenderMessageContent,
  { messageId, requestNumber: number }: SealedContext,
): Uint8Array {
  return RetryRequest.encode({ error: content.contents(), messageId, number });
}

function readContext(bytes: Uint8Array | null): SealedContext {
  try {
    const context = SealedContext.decode(bytes ?? new Uint8Array());
    const { messageId, groupId, groupEpoch } = context;
    const isInGroup = groupId.length === 32 && groupEpoch > 0;
    if (messageId.length === 16 && (isInGroup || (groupId.length === 0 && groupEpoch === 0))) return context;
  } catch (cause) {
    if (!(cause instanceof ProtoError)) throw cause;
  }
  throw new Hold('malformed-ciphertext');
}

/** What libsignal needs of the own identity to open the outer layer; it asks for nothing else. */
class OwnIdentity extends IdentityKeyStore {
  private readonly own: IdentityKeyPair;

  constructor(own: IdentityKeyPair) {
    super();
    this.own = own;
  }

  override async getIdentityKey(): Promise<PrivateKey> {
    return this.own.privateKey;
  }

  override async getIdentityKeyPair(): Promise<IdentityKeyPair> {
    return this.own;
  }

  override async getLocalRegistrationId(): Promise<number> {
    return 0;
  }

  override async saveIdentity(): Promise<IdentityChange> {
    return IdentityChange.NewOrUnchanged;
  }

  override async isTrustedIdentity(): Promise<boolean> {
    return false;
  }

  override async getIdentity(): Promise<null> {
    return null;
  }
}
