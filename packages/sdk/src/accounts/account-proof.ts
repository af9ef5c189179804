import { type AccountPurpose, SignedDeviceList, signedBytesOfAccountProof, toBase64Url } from '@sotto/proto';
import { PrivateKey } from '#libsignal';
import { asBuffer } from '../crypto/as-buffer.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Sha256 } from '../ports/hash.ts';

/** Proves by this device's key that its owner wants it (docs/protocol.md, section 2): base64url. */
export function proofOf(account: AccountRecord, purpose: AccountPurpose, subject: Uint8Array, sha256: Sha256): string {
  const listHash = sha256(SignedDeviceList.decode(account.deviceList).list);
  const message = signedBytesOfAccountProof(purpose, account.userId, listHash, subject);
  return toBase64Url(PrivateKey.deserialize(asBuffer(account.devicePrivateKey)).sign(asBuffer(message)));
}
