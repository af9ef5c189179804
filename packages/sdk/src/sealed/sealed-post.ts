import type { SealedSendsFields, SendFields, SendResultFields } from '@sotto/proto';
import { SottoError } from '../sotto-error.ts';
import type { CallOptions, HttpClient } from '../transport/http-client.ts';
import { postSealed } from '../transport/sealed-calls.ts';

/** The most sends that leave in one request. */
export const mostSealedAtOnce = 64;

/** Whether a Send is one whose sender is not named. */
export function isUnnamed({ messageId }: Pick<SendFields, 'messageId'>): boolean {
  return messageId === undefined || messageId === null || messageId.length === 0;
}

/**
 * Hands Sends to one person over without saying who sends them; resolves to a result of each, whatever happens, as a stream would give them.
 *
 * `sealed-refused`: the access key is not that of the account (any more). `relay-unreachable` and what else may be tried again is `retryable`.
 * @param sends as they stand in the outbox, all to the same recipient under the same access key, in their order
 */
export async function postSends(
  http: HttpClient,
  sends: readonly SendFields[],
  options: CallOptions = {},
): Promise<readonly SendResultFields[]> {
  const recipient = sends[0]?.recipients?.[0];
  const body: SealedSendsFields = {
    ...(recipient?.userId && { userId: recipient.userId }),
    ...(recipient?.accessKey && { accessKey: recipient.accessKey }),
    sends: sends.map(({ sendId, suite, attempt, urgent, ttlSeconds, recipients }) => {
      const [only] = recipients ?? [];
      return {
        ...(sendId && { sendId }),
        suite: suite ?? 0,
        attempt: attempt ?? 0,
        urgent: urgent ?? false,
        ttlSeconds: ttlSeconds ?? 0,
        deviceListVersion: only?.deviceListVersion ?? 0,
        devices: only?.devices ?? [],
      };
    }),
  };
  try {
    return await postSealed(http, body, options);
  } catch (error) {
    if (!(error instanceof SottoError)) throw error;
    const { code, relayCode, retryable, retryAfterMs, message } = error;
    const refused = { code: relayCode ?? code, message, retryable, retryAfterMs: retryAfterMs ?? 0 };
    const behind = { code: 'superseded', message: '', retryable: true };
    return sends.map(({ sendId }, at) => ({
      ...(sendId && { sendId }),
      refused: at === 0 || code !== 'rate-limited' ? refused : behind,
    }));
  }
}
