import type { UserId } from '../ports/ids.ts';
import type { AuthorizedClient, CallOptions } from './http-client.ts';
import { bytesShape, listShape, recordShape, textShape, uuidShape } from './json-shape.ts';

/** An account that a number led to. */
export interface FoundUser {
  /** E.164, one of those asked for. */
  readonly number: string;
  readonly userId: UserId;
}

const found = recordShape<{ readonly users: readonly { readonly number: string; readonly userId: string }[] }>({
  users: listShape(recordShape({ number: textShape(32), userId: uuidShape }), 100),
});
const deviceList = recordShape<{ readonly deviceList: Uint8Array }>({ deviceList: bytesShape(1, 256 * 1024) });

/**
 * Finds accounts by number: `POST /v1/lookups`. Numbers without an account are left out, and so are answers that nobody asked for.
 * @param numbers E.164, at most 100
 * @throws {SottoError} `number-invalid`, `rate-limited`, and as AuthorizedClient
 */
export async function lookUpNumbers(
  http: AuthorizedClient,
  numbers: readonly string[],
  options: CallOptions = {},
): Promise<readonly FoundUser[]> {
  const { users } = await http.authorized({
    method: 'POST',
    path: '/v1/lookups',
    body: JSON.stringify({ numbers }),
    answer: { type: 'json', shape: found },
    signal: options.signal,
  });
  return users
    .filter(({ number }) => numbers.includes(number))
    .map(({ number, userId }) => ({ number, userId: userId as UserId }));
}

/**
 * The signed device list of somebody, not checked yet: `GET /v1/users/{userId}/devices`.
 * @throws {SottoError} `user-unknown`, and as AuthorizedClient
 */
export async function requestDeviceList(
  http: AuthorizedClient,
  userId: UserId,
  options: CallOptions = {},
): Promise<Uint8Array> {
  const answer = await http.authorized({
    method: 'GET',
    path: `/v1/users/${userId}/devices`,
    answer: { type: 'json', shape: deviceList },
    signal: options.signal,
  });
  return answer.deviceList;
}
