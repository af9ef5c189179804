import { SealedContext, type SealedContextFields } from '@sotto/proto';
import {
  type CiphertextMessage,
  ContentHint,
  type IdentityKeyStore,
  type ProtocolAddress,
  type SenderCertificate,
  sealedSenderEncrypt,
  UnidentifiedSenderMessageContent,
} from '#libsignal';
import { asBuffer } from './as-buffer.ts';

/** What a sealed sender shows to the recipient alone. */
export interface SealedOrigin {
  /** Of this device, good for some more hours. */
  readonly certificate: SenderCertificate;
  /** What the envelope would say if it named the sender. */
  readonly context: SealedContextFields;
}

/** Says who sends and which message it is beside a ciphertext, for whoever opens the outer layer. */
export function withOrigin(
  message: CiphertextMessage,
  { certificate, context }: SealedOrigin,
): UnidentifiedSenderMessageContent {
  const place = asBuffer(SealedContext.encode(context));
  return UnidentifiedSenderMessageContent.new(message, certificate, ContentHint.Default, place);
}

/** Puts the outer layer around a ciphertext for one device: sealed sender, version 1. */
export function sealOuter(
  message: CiphertextMessage,
  origin: SealedOrigin,
  device: ProtocolAddress,
  identities: IdentityKeyStore,
): Promise<Uint8Array> {
  return sealedSenderEncrypt(withOrigin(message, origin), device, identities);
}
