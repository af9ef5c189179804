import { CiphertextKind, ProtoError, RetryRequest, uuidToBytes, uuidToText } from '@sotto/proto';
import {
  CiphertextMessageType,
  DecryptionErrorMessage,
  LibSignalErrorBase,
  PlaintextContent,
  type PublicKey,
} from '#libsignal';
import { asBuffer } from '../crypto/as-buffer.ts';
import type { MessageId } from '../ports/ids.ts';
import type { HeldReason } from '../ports/inbox-records.ts';

/** Reasons that another attempt of the sender can mend. */
const askable: ReadonlySet<HeldReason> = new Set<HeldReason>([
  'counter-jump',
  'no-session',
  'missing-prekey',
  'replayed-prekey',
  'not-a-duplicate',
  'undecryptable',
  'no-sender-key',
  // It is sealed anew with where the group is then.
  'group-head-unknown',
]);

/** Reasons that pass when this device knows more: of a group, or of its own account. */
const passing: ReadonlySet<HeldReason> = new Set<HeldReason>(['group-revision', 'group-unknown', 'own-list-behind']);

/** As libsignal calls the kinds of ciphertexts. */
const types: { readonly [Kind in CiphertextKind]?: CiphertextMessageType } = {
  [CiphertextKind.CIPHERTEXT_KIND_PREKEY]: CiphertextMessageType.PreKey,
  [CiphertextKind.CIPHERTEXT_KIND_SENDER_KEY]: CiphertextMessageType.SenderKey,
};

/** What a message is that could not be opened. */
export interface FailedMessage {
  readonly kind: CiphertextKind;
  readonly ciphertext: Uint8Array;
  readonly senderDevice: number;
  readonly messageId: MessageId;
}

/** A request to send a message again, as far as its form goes: it proves nothing of who made it. */
export interface ReadRetryRequest {
  readonly messageId: MessageId;
  /** The device that wrote the message. */
  readonly deviceId: number;
  /** The key of its chain on which the message was encrypted. */
  readonly ratchetKey: PublicKey | undefined;
  /** Counts the requests for this message from 1, as the one who asks says. */
  readonly number: number;
}

/** Whether another attempt can take the place of a message that was held for this reason. */
export function isAskable(reason: HeldReason): boolean {
  return askable.has(reason);
}

/** Whether a message that was held for this reason may be shown after all, by an answer of its sender or without. */
export function isMendable(reason: HeldReason): boolean {
  return askable.has(reason) || passing.has(reason);
}

/**
 * Writes the request for a message that could not be opened; `undefined` when libsignal can't read the message at all.
 * @param number counts the requests for this message from 1
 */
export function writeRetryRequest(failed: FailedMessage, number: number, now: number): Uint8Array | undefined {
  const type = types[failed.kind] ?? CiphertextMessageType.Whisper;
  try {
    const error = DecryptionErrorMessage.forOriginal(asBuffer(failed.ciphertext), type, now, failed.senderDevice);
    return RetryRequest.encode({
      error: PlaintextContent.from(error).serialize(),
      messageId: uuidToBytes(failed.messageId),
      number,
    });
  } catch (error) {
    if (error instanceof LibSignalErrorBase) return undefined;
    throw error;
  }
}

/** Reads a request; `undefined` when the bytes are none. */
export function readRetryRequest(ciphertext: Uint8Array): ReadRetryRequest | undefined {
  try {
    const { error, messageId, number } = RetryRequest.decode(ciphertext);
    if (messageId.length !== 16) return undefined;
    const content = PlaintextContent.deserialize(asBuffer(error));
    const read = DecryptionErrorMessage.extractFromSerializedBody(content.body());
    return {
      messageId: uuidToText(messageId) as MessageId,
      deviceId: read.deviceId(),
      ratchetKey: read.ratchetKey(),
      number,
    };
  } catch (cause) {
    if (cause instanceof ProtoError || cause instanceof LibSignalErrorBase) return undefined;
    throw cause;
  }
}
