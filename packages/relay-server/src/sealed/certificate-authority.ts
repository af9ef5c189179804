import { hkdfSync } from 'node:crypto';
import { PrivateKey, SenderCertificate, ServerCertificate } from '@signalapp/libsignal-client';
import { readEcKey } from '../keys/public-key.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeviceAddress } from '../ports/ids.ts';
import { RelayError } from '../relay-error.ts';

/** Bytes of the private trust root. */
export const trustRootBytes = 32;

/** How long a sender certificate is good for. */
export const senderCertificateMs = 24 * 3_600_000;

/** How long the relay signs sender certificates with one server key. The periods are counted from the Unix epoch, and the number of one is the key's id. */
export const serverKeyMs = 30 * 24 * 3_600_000;

const serverKeyInfo = 'sotto server certificate key v1';

/** What a device shows, sealed, to those to whom it writes. */
export interface IssuedCertificate {
  /** libsignal's serialised SenderCertificate. */
  readonly certificate: Uint8Array;
  readonly expiresAt: number;
}

/** A server certificate with the key that it is about. */
interface Signer {
  readonly period: number;
  readonly certificate: ServerCertificate;
  readonly key: PrivateKey;
}

/**
 * Says who a device is, in certificates that people open inside sealed messages: libsignal's SenderCertificate under a ServerCertificate under the trust root.
 *
 * Server keys are made from the trust root and the number of their period, so every start, and every process with the same root, has the same ones.
 * A sender certificate ends at most `senderCertificateMs` after the period of its server key: clients refuse a later one, so a server key that gets out is worth nothing after its time.
 */
export class CertificateAuthority {
  /** The public key that clients pin, libsignal's 33 bytes. */
  readonly trustRoot: Uint8Array;
  readonly #root: PrivateKey;
  readonly #secret: Uint8Array;
  readonly #clock: Clock;
  #signer: Signer | undefined;

  /** @throws {RelayError} `config-invalid` when the root has another length */
  constructor(root: Uint8Array, clock: Clock) {
    if (root.length !== trustRootBytes) {
      throw new RelayError('config-invalid', `the trust root has to have ${trustRootBytes} bytes.`);
    }
    this.#secret = root;
    this.#root = PrivateKey.deserialize(Uint8Array.from(root));
    this.trustRoot = this.#root.getPublicKey().serialize();
    this.#clock = clock;
  }

  /**
   * A certificate for a device of an account.
   * @param identityKey the account's, as its device list names it: 33 bytes
   */
  issue({ userId, deviceId }: DeviceAddress, identityKey: Uint8Array): IssuedCertificate {
    const now = this.#clock.now();
    const { certificate: server, key } = this.#signerAt(now);
    const expiresAt = now + senderCertificateMs;
    const made = SenderCertificate.new(userId, null, deviceId, readEcKey(identityKey), expiresAt, server, key);
    return { certificate: made.serialize(), expiresAt };
  }

  #signerAt(now: number): Signer {
    const period = Math.floor(now / serverKeyMs);
    if (this.#signer?.period === period) return this.#signer;
    const key = PrivateKey.deserialize(
      new Uint8Array(hkdfSync('sha256', this.#secret, new Uint8Array(), `${serverKeyInfo} ${period}`, 32)),
    );
    const certificate = ServerCertificate.new(period, key.getPublicKey(), this.#root);
    this.#signer = { period, certificate, key };
    return this.#signer;
  }
}

/** The trust root of a relay to which none was given: made from its own secret, so that it needs no file and no backup of its own. */
export function trustRootOf(relayKey: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', relayKey, new Uint8Array(), 'sotto trust root v1', trustRootBytes));
}
