import { SottoError } from '@sotto/sdk';

/** What went wrong: its code, the SDK's own words, and when to try again. */
export function errorText(error: unknown): string {
  if (!(error instanceof SottoError)) return String(error);
  const { code, message, retryAfterMs } = error;
  const wait = retryAfterMs === undefined ? '' : ` (try again in ${Math.max(1, Math.ceil(retryAfterMs / 1_000))} s)`;
  return `${code}: ${message}${wait}`;
}
