import {
  type SealedMultiSendFields,
  type SealedSendsFields,
  type SendFields,
  SendResult,
  type SendResultFields,
} from '@sotto/proto';
import { SottoError } from '../sotto-error.ts';
import type { CallOptions, HttpClient } from '../transport/http-client.ts';
import { postSealed, postSealedMulti } from '../transport/sealed-calls.ts';
import { isForMany } from './unnamed-send.ts';

/** The most sends that leave in one request. */
const mostAtOnce = 64;
/** The most bytes of ciphertexts, and of recipients of what is for many, in one request, unless one send alone has more. */
const mostBytesAtOnce = 384 * 1024;
/** The most accounts that the sends of one request are for. */
const mostAccountsAtOnce = 4_096;
/** At most, of one recipient of what is for many: user, access key, version of their list. */
const recipientBytes = 48;

/** How many of these Sends, from the first, leave in one request. */
export function sizeOfPost(sends: readonly SendFields[]): number {
  let bytes = 0;
  let count = 0;
  let accounts = 0;
  for (const send of sends.slice(0, mostAtOnce)) {
    bytes += bytesOf(send);
    accounts += send.recipients?.length ?? 0;
    if (count > 0 && (bytes > mostBytesAtOnce || accounts > mostAccountsAtOnce)) break;
    count++;
  }
  return count;
}

/** What a Send is in its request, nearly. */
function bytesOf(send: SendFields): number {
  const { sharedCiphertext, recipients } = send;
  if (isForMany(send)) return (sharedCiphertext?.length ?? 0) + recipientBytes * (recipients?.length ?? 0);
  const devices = recipients?.[0]?.devices ?? [];
  return devices.reduce((sum, { ciphertext }) => sum + (ciphertext?.length ?? 0), 0);
}

/**
 * Hands Sends to one person, or to many each, over without saying who sends them; resolves to a result of each as a stream would give it, whatever the relay does.
 *
 * `sealed-refused`: it does not take them in this way, so they have to be sent with the sender named; `sealed-unavailable`: it takes nothing for many in this way. What may be tried again is `retryable`.
 * @param sends as they stand in the outbox, in their order: all to the same recipient under the same access key, or all for many
 * @throws {SottoError} `client-stopped`
 */
export async function postSends(
  http: HttpClient,
  sends: readonly SendFields[],
  options: CallOptions = {},
): Promise<readonly SendResult[]> {
  const [first] = sends;
  const forMany = first !== undefined && isForMany(first);
  try {
    if (forMany) return await postSealedMulti(http, { sends: sends.map(multiOf) }, options);
    return await postSealed(http, bodyOf(sends), options);
  } catch (error) {
    if (!(error instanceof SottoError) || error.code === 'client-stopped') throw error;
    const refused = refusalOf(error, forMany);
    const behind = { code: 'superseded', message: '', retryable: true };
    return sends.map(({ sendId }, at) =>
      SendResult.decode(SendResult.encode({ ...(sendId && { sendId }), refused: at === 0 ? refused : behind })),
    );
  }
}

function bodyOf(sends: readonly SendFields[]): SealedSendsFields {
  const recipient = sends[0]?.recipients?.[0];
  return {
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
}

function multiOf({ sendId, suite, attempt, urgent, ttlSeconds, sharedCiphertext, recipients }: SendFields) {
  return {
    ...(sendId && { sendId }),
    suite: suite ?? 0,
    attempt: attempt ?? 0,
    urgent: urgent ?? false,
    ttlSeconds: ttlSeconds ?? 0,
    ...(sharedCiphertext && { message: sharedCiphertext }),
    recipients: (recipients ?? []).map(({ userId, accessKey, deviceListVersion }) => ({
      ...(userId && { userId }),
      ...(accessKey && { accessKey }),
      deviceListVersion: deviceListVersion ?? 0,
    })),
  } satisfies SealedMultiSendFields;
}

/** A relay that is there and will not take them refuses the way, never the message. */
function refusalOf(
  { code, relayCode, retryable, retryAfterMs, message }: SottoError,
  forMany: boolean,
): NonNullable<SendResultFields['refused']> {
  if (!retryable && relayCode !== undefined) {
    const isKnown = !forMany || relayCode === 'sealed-refused';
    return { code: isKnown ? 'sealed-refused' : 'sealed-unavailable', message, retryable: false };
  }
  return { code: relayCode ?? code, message, retryable: true, retryAfterMs: retryAfterMs ?? 0 };
}
