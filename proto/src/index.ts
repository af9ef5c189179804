export {
  type AccountPurpose,
  signedBytesOfAccountProof,
  signedBytesOfDeviceRegistration,
  signedBytesOfRecovery,
  signedBytesOfReRegistration,
} from './account-proofs.ts';
export { fromBase64Url, toBase64Url } from './base64url.ts';
export type { Codec } from './codec.ts';
export { signedBytesOfDeviceList } from './device-list.ts';
export * from './http.ts';
export * from './messages.ts';
export { ProtoError, type ProtoErrorCode } from './proto-error.ts';
export { isUuid, uuidToBytes, uuidToText } from './uuid.ts';
