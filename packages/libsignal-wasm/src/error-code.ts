/** The codes of the native library that this part of it gives, with its numbers. Most of what goes wrong is `Generic`. */
export const ErrorCode = {
  Generic: 0,
  DuplicatedMessage: 1,
  SealedSenderSelfSend: 2,
  UntrustedIdentity: 3,
  InvalidRegistrationId: 4,
  InvalidProtocolAddress: 5,
  VerificationFailed: 6,
  InvalidSession: 7,
  InvalidSenderKeySession: 8,
} as const;

export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** Whether this is the name of a code. */
export function isErrorName(name: string): name is keyof typeof ErrorCode {
  return Object.hasOwn(ErrorCode, name);
}
