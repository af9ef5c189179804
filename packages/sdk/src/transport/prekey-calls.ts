import type { PrekeyCount, PrekeyUpload } from '@sotto/proto';
import type { DeviceId, UserId } from '../ports/ids.ts';
import type { AuthorizedClient, CallOptions } from './http-client.ts';
import { bytesShape, integerShape, listShape, optionalShape, recordShape } from './json-shape.ts';

/** A public prekey of somebody, as the relay gave it: nothing is checked but its form. */
export interface FetchedPrekey {
  readonly id: number;
  readonly publicKey: Uint8Array;
}

export interface FetchedSignedPrekey extends FetchedPrekey {
  readonly signature: Uint8Array;
}

export interface FetchedDeviceBundle {
  readonly deviceId: number;
  readonly registrationId: number;
  readonly signedPrekey: FetchedSignedPrekey;
  readonly prekey: FetchedPrekey | undefined;
  readonly kyberPrekey: FetchedSignedPrekey;
}

export interface FetchedBundles {
  /** An encoded SignedDeviceList. */
  readonly deviceList: Uint8Array;
  readonly bundles: readonly FetchedDeviceBundle[];
}

const count = recordShape<PrekeyCount>({ ec: integerShape(0, 1_000_000), kyber: integerShape(0, 1_000_000) });
const prekeyId = integerShape(1, 2 ** 24 - 1);
const publicKey = bytesShape(1, 2_048);
const signed = recordShape<FetchedSignedPrekey>({ id: prekeyId, publicKey, signature: bytesShape(64, 64) });
const bundles = recordShape<FetchedBundles>({
  deviceList: bytesShape(1, 256 * 1024),
  bundles: listShape(
    recordShape<FetchedDeviceBundle>({
      deviceId: integerShape(1, 127),
      registrationId: integerShape(1, 16_380),
      signedPrekey: signed,
      prekey: optionalShape(recordShape<FetchedPrekey>({ id: prekeyId, publicKey })),
      kyberPrekey: signed,
    }),
    127,
  ),
});

/**
 * Gives the relay public prekeys: `PUT /v1/prekeys`. Idempotent by id.
 * @throws {SottoError} `relay-refused` with `relayCode` `signature-invalid`, `key-malformed`, `prekey-conflict` or `prekeys-full`, and as AuthorizedClient
 */
export function uploadPrekeys(
  http: AuthorizedClient,
  upload: PrekeyUpload,
  options: CallOptions = {},
): Promise<PrekeyCount> {
  return http.authorized({
    method: 'PUT',
    path: '/v1/prekeys',
    body: JSON.stringify(upload),
    answer: { type: 'json', shape: count },
    signal: options.signal,
  });
}

/** How many one-time prekeys of this device the relay has left: `GET /v1/prekeys`. */
export function countPrekeys(http: AuthorizedClient, options: CallOptions = {}): Promise<PrekeyCount> {
  return http.authorized({
    method: 'GET',
    path: '/v1/prekeys',
    answer: { type: 'json', shape: count },
    signal: options.signal,
  });
}

/**
 * Takes one bundle for each device of somebody, or for one device: `GET /v1/users/{userId}/bundles`.
 * @throws {SottoError} `user-unknown`, `rate-limited`, and as AuthorizedClient
 */
export function requestBundles(
  http: AuthorizedClient,
  userId: UserId,
  deviceId: DeviceId | undefined,
  options: CallOptions = {},
): Promise<FetchedBundles> {
  return http.authorized({
    method: 'GET',
    path: `/v1/users/${userId}/bundles${deviceId === undefined ? '' : `?device=${deviceId}`}`,
    answer: { type: 'json', shape: bundles },
    signal: options.signal,
  });
}
