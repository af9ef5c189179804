import { SottoError, type SottoErrorCode } from '@sotto/sdk';
import { endText } from '../text/end-text.ts';

/** After these a registration is asked for again: somebody mistyped. */
const mistyped = new Set(['code-wrong', 'code-invalid', 'registration-locked', 'pin-invalid']);

/** Whether a registration only has to be asked for again, now: its code or its PIN was not right. */
export function isMistyped(error: unknown): boolean {
  return error instanceof SottoError && mistyped.has(error.code) && error.retryAfterMs === undefined;
}

/** Where the SDK speaks to whoever writes a program: of its options and fields. */
const ownWords: { readonly [Code in SottoErrorCode]?: string } = {
  'rate-limited': 'asked too often',
  'link-invalid': 'this is no code for linking: write all of it, as the new device shows it',
  'link-expired':
    'the code was used before, or it is too old: start the new device again, and take the code that it shows then',
  'link-declined': 'that was not your account: start again, and give the code to your own device only',
  'device-unknown': 'there is no such device: see :devices',
  'primary-only': 'do this on the first device of the account',
  'relay-insecure': 'http:// to another machine shows tokens and numbers to whoever is on the way: write https://',
};

/** What went wrong, for the line at the bottom: the SDK's own words, and when to try again. */
export function errorText(error: unknown): string {
  if (!(error instanceof SottoError)) return error instanceof Error ? error.message : String(error);
  if (error.code === 'session-ended') return endText(error.endReason);
  const wait = error.retryAfterMs === undefined ? '' : ` (again in ${waitText(error.retryAfterMs)})`;
  return `${ownWords[error.code] ?? error.message}${wait}`;
}

function waitText(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}
