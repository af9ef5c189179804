import type {
  AccountAnswer,
  DeletionRequest,
  LockRequest,
  NumberRequest,
  RecoveryAnswer,
  RecoveryRequest,
} from '@sotto/proto';
import { type AuthorizedClient, type CallOptions, type HttpClient, noAnswer } from './http-client.ts';
import { booleanShape, bytesShape, integerShape, recordShape, textShape, uuidShape } from './json-shape.ts';

/** Whose account a root key is. */
export interface FoundAccount extends Pick<RecoveryAnswer, 'userId'> {
  /** An encoded SignedDeviceList, not checked yet. */
  readonly deviceList: Uint8Array;
}

const found = recordShape<FoundAccount>({ userId: uuidShape, deviceList: bytesShape(1, 256 * 1024) });
const account = recordShape<AccountAnswer>({
  userId: uuidShape,
  deviceId: integerShape(1, 127),
  number: textShape(32),
  locked: booleanShape,
});

/**
 * Finds the account of the own root key: `POST /v1/recoveries`.
 * @throws {SottoError} `recovery-key-wrong`, those of a code, and as HttpClient
 */
export function requestRecovery(
  http: HttpClient,
  request: RecoveryRequest,
  options: CallOptions = {},
): Promise<FoundAccount> {
  return http.ask({
    method: 'POST',
    path: '/v1/recoveries',
    body: JSON.stringify(request),
    answer: { type: 'json', shape: found },
    signal: options.signal,
  });
}

/**
 * What the relay knows of the own account: `GET /v1/account`.
 * @throws {SottoError} as AuthorizedClient
 */
export function requestAccount(http: AuthorizedClient, options: CallOptions = {}): Promise<AccountAnswer> {
  return http.authorized({
    method: 'GET',
    path: '/v1/account',
    answer: { type: 'json', shape: account },
    signal: options.signal,
  });
}

/**
 * Ends the account: `POST /v1/account/deletion`.
 * @throws {SottoError} as AuthorizedClient
 */
export function requestDeletion(
  http: AuthorizedClient,
  request: DeletionRequest,
  options: CallOptions = {},
): Promise<undefined> {
  return http.authorized({
    method: 'POST',
    path: '/v1/account/deletion',
    body: JSON.stringify(request),
    answer: noAnswer,
    signal: options.signal,
  });
}

/**
 * Gives the account another number: `POST /v1/account/number`. The same again is success.
 * @throws {SottoError} `registration-locked`, those of a code, and as AuthorizedClient
 */
export function requestNumber(
  http: AuthorizedClient,
  request: NumberRequest,
  options: CallOptions = {},
): Promise<undefined> {
  return http.authorized({
    method: 'POST',
    path: '/v1/account/number',
    body: JSON.stringify(request),
    answer: noAnswer,
    signal: options.signal,
  });
}

/**
 * Sets or removes the registration lock: `PUT /v1/account/lock`.
 * @throws {SottoError} as AuthorizedClient
 */
export function requestLock(
  http: AuthorizedClient,
  request: LockRequest,
  options: CallOptions = {},
): Promise<undefined> {
  return http.authorized({
    method: 'PUT',
    path: '/v1/account/lock',
    body: JSON.stringify(request),
    answer: noAnswer,
    signal: options.signal,
  });
}
