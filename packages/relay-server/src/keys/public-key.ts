import { KEMPublicKey, PublicKey } from '@signalapp/libsignal-client';
import { RelayError } from '../relay-error.ts';

/** Bytes of an XEdDSA signature. */
const signatureBytes = 64;

/** Curve25519 ignores this bit of a key's last byte (RFC 7748, section 5): set, it would make other bytes of the same key. */
const ignoredBit = 0x80;

/**
 * Reads an EC public key in libsignal's serialised form: 33 bytes, type first, the top bit clear.
 * @throws {RelayError} `key-malformed`
 */
export function readEcKey(bytes: Uint8Array): PublicKey {
  try {
    if (bytes.length !== 33) throw new RangeError('33 bytes');
    if (((bytes[32] ?? 0) & ignoredBit) !== 0) throw new RangeError('the top bit is not clear');
    return PublicKey.deserialize(owned(bytes));
  } catch (cause) {
    throw new RelayError('key-malformed', 'A public EC key does not parse: send libsignal’s 33 bytes.', { cause });
  }
}

/**
 * Checks that bytes are a Kyber public key in libsignal's serialised form.
 * @throws {RelayError} `key-malformed`
 */
export function checkKyberKey(bytes: Uint8Array): void {
  try {
    KEMPublicKey.deserialize(owned(bytes));
  } catch (cause) {
    throw new RelayError('key-malformed', 'A public Kyber key does not parse: send libsignal’s 1,569 bytes.', {
      cause,
    });
  }
}

/** Whether `signature` is the key's XEdDSA signature over `message`. */
export function signedBy(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  return signature.length === signatureBytes && key.verify(owned(message), owned(signature));
}

/** libsignal asks for bytes that own their buffer. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
