import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto';
import type { NumberMac } from '../ports/ids.ts';
import type { Randomness } from '../ports/randomness.ts';
import { RelayError } from '../relay-error.ts';

/** Bytes of the relay's own secret. */
export const relayKeyBytes = 32;

/**
 * What the relay does with its own secret: numbers are looked up by a keyed hash and kept encrypted, codes and lock secrets are kept as a keyed hash.
 *
 * HMAC-SHA-256 (RFC 2104) and AES-256-GCM under keys derived by HKDF-SHA-256 (RFC 5869). Whoever has the database without this key learns no number.
 */
export class RelayKey {
  readonly #numberMacKey: Buffer;
  readonly #numberKey: Buffer;
  readonly #codeKey: Buffer;
  readonly #lockKey: Buffer;
  readonly #randomness: Randomness;

  constructor(secret: Uint8Array, randomness: Randomness) {
    if (secret.length !== relayKeyBytes) {
      throw new RelayError('config-invalid', `the relay key has to have ${relayKeyBytes} bytes.`);
    }
    const derive = (purpose: string) => Buffer.from(hkdfSync('sha256', secret, new Uint8Array(), purpose, 32));
    this.#numberMacKey = derive('sotto relay number mac v1');
    this.#numberKey = derive('sotto relay number v1');
    this.#codeKey = derive('sotto relay code v1');
    this.#lockKey = derive('sotto relay lock v1');
    this.#randomness = randomness;
  }

  /** What a number is known by. */
  macOfNumber(number: string): NumberMac {
    return createHmac('sha256', this.#numberMacKey).update(number).digest() as Uint8Array as NumberMac;
  }

  /** nonce (12) || ciphertext || tag (16). */
  encryptNumber(number: string): Uint8Array {
    const nonce = this.#randomness.bytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#numberKey, nonce);
    return Buffer.concat([nonce, cipher.update(number, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  }

  /** @throws {RelayError} `store-corrupt` when it was not encrypted under this key */
  decryptNumber(sealed: Uint8Array): string {
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#numberKey, sealed.subarray(0, 12));
      decipher.setAuthTag(sealed.subarray(sealed.length - 16));
      return decipher.update(sealed.subarray(12, sealed.length - 16), undefined, 'utf8') + decipher.final('utf8');
    } catch (cause) {
      throw new RelayError('store-corrupt', 'A number does not open under relay.key: restore the key that made it.', {
        cause,
      });
    }
  }

  /** What is stored of a code: bound to its verification, so that it says nothing elsewhere. */
  macOfCode(verificationId: string, code: string): Uint8Array {
    return createHmac('sha256', this.#codeKey).update(`${verificationId}:${code}`).digest();
  }

  /** What is stored of the secret of a registration lock. */
  macOfLockSecret(secret: Uint8Array): Uint8Array {
    return createHmac('sha256', this.#lockKey).update(secret).digest();
  }
}
