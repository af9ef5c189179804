import type { DeviceRegistrationRequest, RegistrationRequest } from '@sotto/proto';
import type { Overlay } from '../crypto/overlay.ts';
import type { RegistrationRecord } from '../ports/account-record.ts';
import type { PrekeyRecord } from '../ports/key-records.ts';
import { SottoError } from '../sotto-error.ts';

/** What the relay's answer means for a registration under way. */
export type DraftVerdict =
  /** Not known whether it was taken: ask with the same request again. */
  | 'repeat'
  /** Ask for a code again. */
  | 'other-code'
  /** Have a new code sent, then ask for it. The keys stay, since an earlier answer may have been lost. */
  | 'other-verification'
  /** This request can never succeed. */
  | 'discard';

const lostVerification: ReadonlySet<string> = new Set([
  'code-void',
  'code-expired',
  'code-used',
  'verification-unknown',
]);
const passing: ReadonlySet<string> = new Set([
  'relay-unreachable',
  'relay-misbehaved',
  'rate-limited',
  'registration-locked',
  'recovery-key-wrong',
]);

/** Judges how a registration failed. */
export function verdictOn(error: unknown): DraftVerdict {
  if (!(error instanceof SottoError)) return 'repeat';
  if (error.code === 'code-wrong') return error.attemptsLeft === 0 ? 'other-verification' : 'other-code';
  if (lostVerification.has(error.code)) return 'other-verification';
  // Refused in words that are not about the code: only a mistake in the request itself ends it.
  return error.relayCode === undefined || passing.has(error.code) || error.retryable ? 'repeat' : 'discard';
}

/** The draft after such a verdict; undefined when it is to be deleted. */
export function draftAfter(draft: RegistrationRecord, verdict: DraftVerdict): RegistrationRecord | undefined {
  switch (verdict) {
    case 'repeat':
      return draft;
    case 'other-code':
      return withoutCode(draft);
    case 'other-verification':
      return { ...withoutCode(draft), verificationId: '', expiresAt: 0 };
    case 'discard':
      return undefined;
  }
}

/** Whether the relay may have been asked with this draft already. */
export function wasAsked(draft: RegistrationRecord): boolean {
  return draft.account !== undefined && draft.request !== undefined && requestOf(draft.request).code !== '';
}

/** The key under which the draft was or will be asked for; a draft may have it before its keys are made. */
export function idempotencyKeyOf(draft: RegistrationRecord): string | undefined {
  return draft.request === undefined ? undefined : requestOf(draft.request).idempotencyKey;
}

/** What stands in a draft whose keys are not made yet. */
export function keylessRequest(idempotencyKey: string): string {
  return JSON.stringify({ idempotencyKey });
}

/** The draft's request with another verification and code. */
export function withCode(request: string, verificationId: string, code: string): string {
  return JSON.stringify({ ...requestOf(request), verificationId, code });
}

/** The request with what the PIN of a locked account is worth. It is not kept: the same request without it is success once it was taken. */
export function withLockSecret(request: string, lockSecret: string): string {
  return JSON.stringify({ ...requestOf(request), lockSecret });
}

/** The keys of the prekeys that stand in a draft. */
export function prekeysOf(draft: RegistrationRecord): readonly Pick<PrekeyRecord, 'kind' | 'id'>[] {
  if (draft.account === undefined || draft.request === undefined) return [];
  const { signedPrekey, lastResortKyberPrekey, prekeys, kyberPrekeys } = requestOf(draft.request).prekeys;
  return [
    { kind: 'signed', id: signedPrekey.id },
    { kind: 'last-resort', id: lastResortKyberPrekey.id },
    ...prekeys.map(({ id }) => ({ kind: 'ec' as const, id })),
    ...kyberPrekeys.map(({ id }) => ({ kind: 'kyber' as const, id })),
  ];
}

/** Removes a draft with the prekeys that were made for it. */
export function dropDraft(overlay: Overlay, draft: RegistrationRecord): void {
  for (const prekey of prekeysOf(draft)) overlay.delete('prekey', prekey);
  overlay.delete('registration', {});
}

/** Whether it is not a number that is being registered, but this device, with an account that has others. */
export function isLinkDraft(draft: RegistrationRecord): boolean {
  if (draft.account === undefined || draft.request === undefined) return false;
  const request: Partial<DeviceRegistrationRequest> = JSON.parse(draft.request);
  return request.deviceId !== undefined && request.signature !== undefined;
}

function withoutCode(draft: RegistrationRecord): RegistrationRecord {
  return draft.account === undefined || draft.request === undefined
    ? draft
    : { ...draft, request: withCode(draft.request, '', '') };
}

/** Written by this device, so its shape is known. */
function requestOf(text: string): RegistrationRequest {
  return JSON.parse(text) as RegistrationRequest;
}
