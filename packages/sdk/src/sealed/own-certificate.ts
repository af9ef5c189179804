import { SenderCertificate } from '#libsignal';
import { asBuffer } from '../crypto/as-buffer.ts';
import { ownIdentity } from '../crypto/libsignal-stores.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { senderCertificateMs } from '../crypto/sealed-certificate.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { CertificateRecord } from '../ports/device-records.ts';

/** A certificate seals as long as it has this much left: what was sealed with it may be sent again, as it is, for almost as long. */
const leastLeft = senderCertificateMs / 2;

/** A certificate is asked for anew when it has less left than this. */
const renewedAt = (senderCertificateMs * 3) / 4;

/** How long what a certificate has sealed is sent again as it is. Afterwards it is sealed anew: nobody would open it. */
export const unnamedSealedFor = leastLeft - 3_600_000;

const parsed = new WeakMap<Uint8Array, SenderCertificate>();

/**
 * The certificate to seal with, if there is one for this device under its identity key that has enough left.
 * @param relayNow by the relay's clock
 */
export function usableCertificate(
  record: CertificateRecord | undefined,
  account: AccountRecord,
  relayNow: number,
): SenderCertificate | undefined {
  if (record?.certificate === undefined || record.expiresAt - relayNow < leastLeft) return undefined;
  const known = parsed.get(record.certificate);
  const certificate = known ?? SenderCertificate.deserialize(asBuffer(record.certificate));
  parsed.set(record.certificate, certificate);
  return isFor(certificate, account) ? certificate : undefined;
}

/** Whether it is time to ask for another one. */
export function isDue(record: CertificateRecord | undefined, account: AccountRecord, relayNow: number): boolean {
  if (usableCertificate(record, account, relayNow) === undefined) return true;
  return (record?.expiresAt ?? 0) - relayNow < renewedAt;
}

/** Whether a certificate is for this device under its identity key. */
export function isFor(certificate: SenderCertificate, account: AccountRecord): boolean {
  return (
    certificate.senderUuid() === account.userId &&
    certificate.senderDeviceId() === account.deviceId &&
    sameBytes(certificate.key().serialize(), ownIdentity(account).publicKey.serialize())
  );
}
