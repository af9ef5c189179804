export { Aci, Pni, ProtocolAddress, ServiceId, ServiceIdKind } from './address.ts';
export { Aes256GcmSiv } from './aes-gcm-siv.ts';
export { SenderCertificate, ServerCertificate } from './certificates.ts';
export { CiphertextMessage, type CiphertextMessageConvertible, CiphertextMessageType } from './ciphertext-message.ts';
export { DecryptionErrorMessage, PlaintextContent } from './decryption-error.ts';
export { IdentityKeyPair, PrivateKey, PublicKey } from './ec-keys.ts';
export { ErrorCode } from './error-code.ts';
export { LibSignalErrorBase } from './errors.ts';
export { DisplayableFingerprint, Fingerprint, ScannableFingerprint } from './fingerprint.ts';
export { groupDecrypt, groupEncrypt, processSenderKeyDistributionMessage } from './group-operations.ts';
export { hkdf } from './hkdf.ts';
export { KEMKeyPair, KEMPublicKey, KEMSecretKey } from './kem-keys.ts';
export { ready } from './library.ts';
export { PinHash } from './pin-hash.ts';
export { PreKeyBundle } from './prekey-bundle.ts';
export { KyberPreKeyRecord, PreKeyRecord, SignedPreKeyRecord } from './prekey-records.ts';
export { ContentHint, UnidentifiedSenderMessageContent } from './sealed-content.ts';
export {
  SealedSenderDecryptionResult,
  type SealedSenderMultiRecipientEncryptOptions,
  sealedSenderDecryptMessage,
  sealedSenderDecryptToUsmc,
  sealedSenderEncrypt,
  sealedSenderEncryptMessage,
  sealedSenderMultiRecipientEncrypt,
  sealedSenderMultiRecipientMessageForSingleRecipient,
} from './sealed-operations.ts';
export { SenderKeyDistributionMessage } from './sender-key-distribution.ts';
export { SenderKeyMessage } from './sender-key-message.ts';
export { SenderKeyRecord } from './sender-key-record.ts';
export { processPreKeyBundle, signalDecrypt, signalDecryptPreKey, signalEncrypt } from './session-operations.ts';
export { SessionRecord } from './session-record.ts';
export { PreKeySignalMessage, SignalMessage } from './signal-message.ts';
export {
  Direction,
  IdentityChange,
  IdentityKeyStore,
  KyberPreKeyStore,
  PreKeyStore,
  SenderKeyStore,
  SessionStore,
  SignedPreKeyStore,
} from './stores.ts';
export type { Uuid } from './uuid.ts';
