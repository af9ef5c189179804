import { createHash, randomBytes } from 'node:crypto';
import {
  CiphertextMessageType,
  PreKeySignalMessage,
  ProtocolAddress,
  SignalMessage,
  signalDecrypt,
  signalDecryptPreKey,
  signalEncrypt,
} from '@signalapp/libsignal-client';
import {
  type BundlesAnswer,
  CiphertextKind,
  Content,
  DeviceList,
  Envelope,
  SignedDeviceList,
  toBase64Url,
  uuidToBytes,
} from '@sotto/proto';
import { DeviceKeys } from './device-keys.ts';
import { RawIdentities, RawPrekeys, RawSessions } from './raw-stores.ts';

const bucket = 160;
const expiresInMs = 30 * 24 * 3_600_000;

/** A ciphertext of a Send. */
export interface Sealed {
  readonly kind: CiphertextKind;
  readonly ciphertext: Uint8Array;
}

/** A person at the other end: real keys and sessions with libsignal alone, and contents as docs/protocol.md has them. */
export class Peer {
  readonly keys = new DeviceKeys();
  readonly number: string;
  private readonly self = ProtocolAddress.new(this.keys.userId, 1);
  private readonly sessions = new RawSessions();
  private readonly identities = new RawIdentities(this.keys.identity, this.keys.registrationId);
  private readonly prekeys = new RawPrekeys(this.keys);
  private readonly listHash: Uint8Array;
  private readonly profileKey = randomBytes(32);
  private seq = 0;

  /** @param number E.164 */
  constructor(number: string) {
    this.number = number;
    const { list } = SignedDeviceList.decode(this.keys.deviceList);
    this.listHash = sha256(list);
    if (DeviceList.decode(list).version !== 1) throw new Error('a new device list has version 1');
  }

  /** What the relay gives to those who want to write to this person. */
  get bundles(): BundlesAnswer {
    const { signedPrekey, lastResortKyberPrekey, prekeys } = this.keys.publicPrekeys;
    const [prekey] = prekeys;
    return {
      deviceList: toBase64Url(this.keys.deviceList),
      bundles: [
        {
          deviceId: 1,
          registrationId: this.keys.registrationId,
          signedPrekey,
          ...(prekey && { prekey }),
          kyberPrekey: lastResortKyberPrekey,
        },
      ],
    };
  }

  /** Decrypts what somebody sent; gives the padded plaintext. */
  async open(senderId: string, sealed: Sealed): Promise<Uint8Array> {
    const remote = ProtocolAddress.new(senderId, 1);
    const bytes = new Uint8Array(sealed.ciphertext);
    return sealed.kind === CiphertextKind.CIPHERTEXT_KIND_PREKEY
      ? signalDecryptPreKey(
          PreKeySignalMessage.deserialize(bytes),
          remote,
          this.self,
          this.sessions,
          this.identities,
          this.prekeys.ec,
          this.prekeys.signed,
          this.prekeys.kyber,
        )
      : signalDecrypt(SignalMessage.deserialize(bytes), remote, this.self, this.sessions, this.identities);
  }

  /** A text for somebody: the encoded envelope as the relay would make it, and the ciphertext in it. */
  async write(
    recipientId: string,
    text: string,
  ): Promise<{ readonly envelope: Uint8Array; readonly ciphertext: Uint8Array<ArrayBuffer> }> {
    const [senderUser, recipientUser, messageNonce] = [
      uuidToBytes(this.keys.userId),
      uuidToBytes(recipientId),
      randomBytes(16),
    ];
    const messageId = sha256('sotto message id v1', senderUser, Uint8Array.of(1), messageNonce).subarray(0, 16);
    const content = Content.encode({
      senderUser,
      senderDevice: 1,
      recipientUser,
      recipientDevice: 1,
      messageId,
      messageNonce,
      seq: ++this.seq,
      sentAt: Date.now(),
      profileKey: this.profileKey,
      returnsReceipts: true,
      deviceListVersion: 1,
      deviceListHash: this.listHash,
      text: { body: text },
    });
    const message = await signalEncrypt(
      pad(content),
      ProtocolAddress.new(recipientId, 1),
      this.self,
      this.sessions,
      this.identities,
    );
    if (message.type() !== CiphertextMessageType.Whisper) throw new Error('the session is not acknowledged yet');
    const ciphertext = message.serialize();
    const acceptedAt = Date.now();
    const envelope = Envelope.encode({
      suite: 1,
      kind: CiphertextKind.CIPHERTEXT_KIND_WHISPER,
      ciphertext,
      messageId,
      senderUser,
      senderDevice: 1,
      recipientUser,
      recipientDevice: 1,
      acceptedAt,
      expiresAt: acceptedAt + expiresInMs,
      attempt: 1,
      urgent: true,
    });
    return { envelope, ciphertext };
  }
}

/** The end mark 0x80 and zeros up to a multiple of 160: all that texts of a bench need. */
function pad(content: Uint8Array): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array(Math.ceil((content.length + 1) / bucket) * bucket);
  padded.set(content);
  padded[content.length] = 0x80;
  return padded;
}

function sha256(...parts: readonly (string | Uint8Array)[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
