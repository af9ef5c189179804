import { SottoError } from '@sotto/sdk';

/** What went wrong, for the line at the bottom: the SDK's own words, and when to try again. */
export function errorText(error: unknown): string {
  if (!(error instanceof SottoError)) return error instanceof Error ? error.message : String(error);
  const wait = error.retryAfterMs === undefined ? '' : ` (again in ${waitText(error.retryAfterMs)})`;
  return `${error.code === 'rate-limited' ? 'asked too often' : error.message}${wait}`;
}

function waitText(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}
