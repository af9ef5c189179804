import type { VerificationAnswer } from '@sotto/proto';
import { SottoError } from '../sotto-error.ts';
import { abortable } from '../transport/abortable.ts';
import type { HttpClient } from '../transport/http-client.ts';
import { requestVerification } from '../transport/verification-calls.ts';

/** Solves the challenge of a relay's operator (a captcha, a proof of work), and gives the answer as the relay's check expects it: 1 to 4,096 characters. */
export type ChallengeSource = () => Promise<string> | string;

const longestAnswer = 4_096;

/**
 * Has a code sent to a number. Where the relay wants a challenge solved before, that is done, once.
 * @throws {SottoError} `challenge-required`: nothing solves it, or the answer was not right; `argument-invalid`; those of `requestVerification`
 */
export async function requestCode(
  http: HttpClient,
  number: string,
  {
    challenge,
    signal,
  }: { readonly challenge?: ChallengeSource | undefined; readonly signal?: AbortSignal | undefined },
): Promise<VerificationAnswer> {
  try {
    return await requestVerification(http, { number }, { signal });
  } catch (error) {
    if (!(error instanceof SottoError) || error.code !== 'challenge-required' || challenge === undefined) throw error;
    const answer: unknown = await abortable(Promise.resolve(challenge()), signal);
    if (typeof answer !== 'string' || answer.length < 1 || answer.length > longestAnswer) {
      throw new SottoError('argument-invalid', 'challenge gives the answer, a string of 1 to 4,096 characters');
    }
    return requestVerification(http, { number, challenge: answer }, { signal });
  }
}
