import type { ProtocolAddress } from './address.ts';
import { CiphertextMessage, CiphertextMessageType } from './ciphertext-message.ts';
import { operate } from './library.ts';
import { checkAddresses, checkInnerAddresses } from './message-addresses.ts';
import { systemTime } from './platform/system-clock.ts';
import { checkPqRatchet } from './pq-ratchet.ts';
import type { PreKeyBundle } from './prekey-bundle.ts';
import type { PreKeySignalMessage, SignalMessage } from './signal-message.ts';
import { type AskedStores, answersOf } from './store-answers.ts';
import type { IdentityKeyStore, KyberPreKeyStore, PreKeyStore, SessionStore, SignedPreKeyStore } from './stores.ts';
import { type Bytes, type Fields, Values } from './wire.ts';

const bytesOf = (fields: Fields): Bytes => fields.bytes();

/** Begins a session with a device (PQXDH). @throws {LibSignalErrorBase} */
export function processPreKeyBundle(
  bundle: PreKeyBundle,
  address: ProtocolAddress,
  _localAddress: ProtocolAddress,
  sessionStore: SessionStore,
  identityStore: IdentityKeyStore,
  now: Date = systemTime(),
): Promise<void> {
  const values = bundle.under(address.under(new Values()).u64(now.getTime()));
  const answers = answersOf({ sessions: sessionStore, identities: identityStore });
  return operate('SessionBuilder_ProcessPreKeyBundle', values, answers, () => undefined);
}

/** Encrypts for a device (Double Ratchet with SPQR). @throws {LibSignalErrorBase} */
export async function signalEncrypt(
  message: Uint8Array,
  address: ProtocolAddress,
  _localAddress: ProtocolAddress,
  sessionStore: SessionStore,
  identityStore: IdentityKeyStore,
  now: Date = systemTime(),
): Promise<CiphertextMessage> {
  const values = address.under(new Values()).u64(now.getTime()).bytes(message);
  const answers = answersOf({ sessions: sessionStore, identities: identityStore });
  return operate('SessionCipher_EncryptMessage', values, answers, (fields) => {
    const kind = fields.u32();
    return CiphertextMessage.ofLibrary(kind, fields.bytes());
  });
}

/** Decrypts a message on a session. @throws {LibSignalErrorBase} */
export async function signalDecrypt(
  message: SignalMessage,
  address: ProtocolAddress,
  localAddress: ProtocolAddress,
  sessionStore: SessionStore,
  identityStore: IdentityKeyStore,
): Promise<Bytes> {
  const operation = 'SessionCipher_DecryptSignalMessage';
  checkPqRatchet(message.pqRatchet(), CiphertextMessageType.Whisper, operation);
  checkAddresses(message.serialize(), { from: address, to: localAddress }, operation);
  return decryptUnchecked(message, address, { sessions: sessionStore, identities: identityStore });
}

/** As `signalDecrypt`, of a message whose structure was checked. */
export function decryptUnchecked(
  message: SignalMessage,
  address: ProtocolAddress,
  stores: AskedStores,
): Promise<Bytes> {
  const values = address.under(new Values()).bytes(message.serialize());
  return operate('SessionCipher_DecryptSignalMessage', values, answersOf(stores), bytesOf);
}

/** Decrypts a message that begins a session, and begins it. @throws {LibSignalErrorBase} */
export async function signalDecryptPreKey(
  message: PreKeySignalMessage,
  address: ProtocolAddress,
  localAddress: ProtocolAddress,
  sessionStore: SessionStore,
  identityStore: IdentityKeyStore,
  prekeyStore: PreKeyStore,
  signedPrekeyStore: SignedPreKeyStore,
  kyberPrekeyStore: KyberPreKeyStore,
): Promise<Bytes> {
  const operation = 'SessionCipher_DecryptPreKeySignalMessage';
  checkPqRatchet(message.pqRatchet(), CiphertextMessageType.PreKey, operation);
  checkInnerAddresses(message.serialize(), { from: address, to: localAddress }, operation);
  const answers = answersOf({
    sessions: sessionStore,
    identities: identityStore,
    prekeys: prekeyStore,
    signedPrekeys: signedPrekeyStore,
    kyberPrekeys: kyberPrekeyStore,
  });
  const values = address.under(new Values()).bytes(message.serialize());
  return operate(operation, values, answers, bytesOf);
}
