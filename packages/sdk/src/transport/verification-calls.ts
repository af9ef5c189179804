import type { VerificationAnswer, VerificationRequest } from '@sotto/proto';
import type { CallOptions, HttpClient } from './http-client.ts';
import { durationShape, integerShape, recordShape, textShape } from './json-shape.ts';

const answer = recordShape<VerificationAnswer>({
  verificationId: textShape(200),
  codeLength: integerShape(4, 20),
  expiresInMs: durationShape,
  resendAfterMs: durationShape,
});

/**
 * Has a code sent to a number: `POST /v1/verifications`.
 * @throws {SottoError} `number-invalid`, `number-barred`, `rate-limited`, `code-sender-unavailable`, and as HttpClient
 */
export function requestVerification(
  http: HttpClient,
  request: VerificationRequest,
  options: CallOptions = {},
): Promise<VerificationAnswer> {
  return http.ask({
    method: 'POST',
    path: '/v1/verifications',
    body: JSON.stringify(request),
    answer: { type: 'json', shape: answer },
    signal: options.signal,
  });
}
