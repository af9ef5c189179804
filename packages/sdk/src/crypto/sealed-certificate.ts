import { isUuid, toBase64Url } from '@sotto/proto';
import { PublicKey, type SenderCertificate } from '#libsignal';
import type { DeviceAddress, DeviceId, UserId } from '../ports/ids.ts';
import { asBuffer } from './as-buffer.ts';
import { Hold } from './hold.ts';

/** How long a certificate is good for: 24 hours. */
export const senderCertificateMs = 24 * 3_600_000;

/** A relay signs certificates with one server key for 30 days, counted from the Unix epoch; the number of the period is the id of the key. */
export const serverKeyMs = 30 * 24 * 3_600_000;

/** The most certificates whose signatures are remembered: one is checked for each message of its sender. */
const remembered = 1_000;
const genuine = new Map<string, true>();

/** Who a certificate says wrote a message. */
export interface CertifiedSender {
  readonly sender: DeviceAddress;
  /** The identity key that the certificate is for, 33 bytes: that of the session has to be the same. */
  readonly identityKey: Uint8Array;
  /** It was not good at that time any more: it proves nothing that is not known of its sender by other means. */
  readonly isOutdated: boolean;
}

/**
 * Reads who a certificate is for, if one of the trust roots stands behind it, and whether it was good at a time.
 *
 * A server key is believed in its period alone, and the certificates that it signed for as long as one lives: so a key that got out is worth nothing later.
 * @param trustRoots 33 bytes each
 * @param at when the relay took the message, by its clock
 * @throws {Hold} `certificate-invalid`
 */
export function certifiedSender(
  certificate: SenderCertificate,
  trustRoots: readonly Uint8Array[],
  at: number,
): CertifiedSender {
  const expiration = certificate.expiration();
  const period = certificate.serverCertificate().keyId();
  const isOutdated = at > expiration || expiration > (period + 1) * serverKeyMs + senderCertificateMs;
  if (!isGenuine(certificate, trustRoots)) throw invalid();
  const userId = certificate.senderUuid();
  const deviceId = certificate.senderDeviceId();
  if (!isUuid(userId) || deviceId < 1 || deviceId > 127) throw invalid();
  return {
    sender: { userId: userId as UserId, deviceId: deviceId as DeviceId },
    identityKey: certificate.key().serialize(),
    isOutdated,
  };
}

/** Whether one of the roots has signed the server certificate, and that one the certificate; time aside. */
function isGenuine(certificate: SenderCertificate, trustRoots: readonly Uint8Array[]): boolean {
  const key = [certificate.serialize(), ...trustRoots].map(toBase64Url).join('.');
  if (genuine.has(key)) return true;
  const roots = trustRoots.map((root) => PublicKey.deserialize(asBuffer(root)));
  if (roots.length === 0 || !certificate.validateWithTrustRoots(roots, 0)) return false;
  if (genuine.size >= remembered) genuine.clear();
  genuine.set(key, true);
  return true;
}

function invalid(): Hold {
  return new Hold('certificate-invalid');
}
