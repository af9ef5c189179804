import { createHash } from 'node:crypto';
import {
  type AccountPurpose,
  fromBase64Url,
  type RegistrationRequest,
  SignedDeviceList,
  signedBytesOfAccountProof,
  signedBytesOfReRegistration,
  toBase64Url,
} from '@sotto/proto';
import type { RawAccount } from './raw-client.ts';
import { makeRegistration, signedList } from './raw-keys.ts';

/** SHA-256 of the device list with which an account was registered. */
export function listHashOf({ request }: RawAccount): Uint8Array {
  const { list } = SignedDeviceList.decode(fromBase64Url(request.deviceList));
  return createHash('sha256').update(list).digest();
}

/** What the root key signs over the list with which the account was registered. */
export function accountProof(account: RawAccount, purpose: AccountPurpose, subject: Uint8Array): string {
  const { userId, root } = account.keys;
  const message = signedBytesOfAccountProof(purpose, userId, listHashOf(account), subject);
  return toBase64Url(root.sign(new Uint8Array(message)));
}

/** The account again under its root key, with another device. */
export function recoveryOf(
  account: RawAccount,
  verified: { readonly verificationId: string; readonly code: string },
): RegistrationRequest {
  const { keys } = account;
  const list = signedList(keys, {
    version: 2,
    previousHash: listHashOf(account),
    devices: [{ deviceId: 2, registrationId: 99 }],
  });
  const again = makeRegistration(keys, verified.verificationId, verified.code);
  const message = signedBytesOfReRegistration(
    fromBase64Url(again.idempotencyKey),
    fromBase64Url(again.refreshToken),
    list,
  );
  const recovery = toBase64Url(keys.root.sign(new Uint8Array(message)));
  return { ...again, deviceList: toBase64Url(list), recovery };
}
