import { SottoError, type SottoErrorCode } from '@sotto/sdk';

/** Where the SDK speaks to whoever writes a program: of its options and fields. */
const ownWords: { readonly [Code in SottoErrorCode]?: string } = {
  'rate-limited': 'asked too often',
  'relay-insecure': 'http:// to another machine shows tokens and numbers to whoever is on the way: write https://',
};

/** What went wrong: its code, the SDK's own words, and when to try again. */
export function errorText(error: unknown): string {
  if (!(error instanceof SottoError)) return error instanceof Error ? error.message : String(error);
  const { code, message, retryAfterMs } = error;
  const wait = retryAfterMs === undefined ? '' : ` (try again in ${Math.max(1, Math.ceil(retryAfterMs / 1_000))} s)`;
  return `${code}: ${ownWords[code] ?? message}${wait}`;
}
