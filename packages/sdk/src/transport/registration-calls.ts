import type { RegistrationAnswer } from '@sotto/proto';
import type { CallOptions, HttpClient } from './http-client.ts';
import { durationShape, integerShape, recordShape, textShape, uuidShape } from './json-shape.ts';

const answer = recordShape<RegistrationAnswer>({
  userId: uuidShape,
  deviceId: integerShape(1, 127),
  accessToken: textShape(512),
  accessExpiresInMs: durationShape,
});

/**
 * Makes the account: `POST /v1/registrations`. The same body again is success.
 * @param body an encoded RegistrationRequest, as it was stored
 * @throws {SottoError} `code-wrong` (with `attemptsLeft`), `code-void`, `code-expired`, `code-used`, `verification-unknown`, `device-list-invalid`, `profile-too-large`, and as HttpClient
 */
export function requestRegistration(
  http: HttpClient,
  body: string,
  options: CallOptions = {},
): Promise<RegistrationAnswer> {
  return http.ask({
    method: 'POST',
    path: '/v1/registrations',
    body,
    answer: { type: 'json', shape: answer },
    signal: options.signal,
  });
}
