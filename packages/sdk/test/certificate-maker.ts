import { IdentityKeyPair, PrivateKey, SenderCertificate, ServerCertificate } from '@signalapp/libsignal-client';
import { asBuffer } from '../src/crypto/as-buffer.ts';
import { senderCertificateMs, serverKeyMs } from '../src/crypto/sealed-certificate.ts';
import type { AccountRecord } from '../src/ports/account-record.ts';

/** What of a certificate a test wants to be different. */
export interface CertificateChanges {
  readonly expiresAt?: number;
  readonly deviceId?: number;
  readonly userId?: string;
  readonly identityKeyPair?: Uint8Array;
  /** The number of the server key's period. */
  readonly period?: number;
}

/** A relay's authority, as far as certificates go. */
export interface CertificateMaker {
  /** Public. */
  readonly root: Uint8Array;
  /** A certificate for an account's device as the relay makes it at a time, but for the changes. */
  make(account: AccountRecord, now: number, changes?: CertificateChanges): SenderCertificate;
}

export function certificateMaker(): CertificateMaker {
  const [root, server] = [PrivateKey.generate(), PrivateKey.generate()];
  return {
    root: root.getPublicKey().serialize(),
    make(account, now, changes = {}) {
      const { expiresAt = now + senderCertificateMs, period = Math.floor(now / serverKeyMs) } = changes;
      const identity = IdentityKeyPair.deserialize(asBuffer(changes.identityKeyPair ?? account.identityKeyPair));
      return SenderCertificate.new(
        changes.userId ?? account.userId,
        null,
        changes.deviceId ?? account.deviceId,
        identity.publicKey,
        expiresAt,
        ServerCertificate.new(period, server.getPublicKey(), root),
        server,
      );
    },
  };
}
