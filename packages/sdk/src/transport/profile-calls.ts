import { toBase64Url } from '@sotto/proto';
import type { UserId } from '../ports/ids.ts';
import { type AuthorizedClient, type CallOptions, noAnswer } from './http-client.ts';
import { booleanShape, bytesShape, recordShape } from './json-shape.ts';

/** The most bytes of an encrypted avatar. */
export const maxSealedAvatarBytes = 1024 * 1024 + 1024;
const maxSealedProfileBytes = 4 * 1024;

/** A profile as the relay has it: encrypted. */
export interface FetchedProfile {
  readonly profile: Uint8Array;
  readonly hasAvatar: boolean;
}

const profileShape = recordShape<FetchedProfile>({
  profile: bytesShape(0, maxSealedProfileBytes),
  hasAvatar: booleanShape,
});

/**
 * Stores the own encrypted profile, and the access key that goes with its key: `PUT /v1/profile`.
 * @throws {SottoError} `profile-too-large`, and as AuthorizedClient
 */
export function storeProfile(
  http: AuthorizedClient,
  sealed: Uint8Array,
  accessKey: Uint8Array,
  options: CallOptions = {},
): Promise<undefined> {
  return http.authorized({
    method: 'PUT',
    path: '/v1/profile',
    body: JSON.stringify({ profile: toBase64Url(sealed), accessKey: toBase64Url(accessKey) }),
    answer: noAnswer,
    signal: options.signal,
  });
}

/**
 * Stores the own encrypted avatar: `PUT /v1/profile/avatar`.
 * @throws {SottoError} `avatar-too-large`, and as AuthorizedClient
 */
export function storeAvatar(http: AuthorizedClient, sealed: Uint8Array, options: CallOptions = {}): Promise<undefined> {
  return http.authorized({
    method: 'PUT',
    path: '/v1/profile/avatar',
    body: sealed,
    answer: noAnswer,
    signal: options.signal,
  });
}

/** Removes the own avatar: `DELETE /v1/profile/avatar`. */
export function removeAvatar(http: AuthorizedClient, options: CallOptions = {}): Promise<undefined> {
  return http.authorized({ method: 'DELETE', path: '/v1/profile/avatar', answer: noAnswer, signal: options.signal });
}

/**
 * Somebody's encrypted profile: `GET /v1/users/{userId}/profile`.
 * @throws {SottoError} `user-unknown`, and as AuthorizedClient
 */
export function requestProfile(
  http: AuthorizedClient,
  userId: UserId,
  options: CallOptions = {},
): Promise<FetchedProfile> {
  return http.authorized({
    method: 'GET',
    path: `/v1/users/${userId}/profile`,
    answer: { type: 'json', shape: profileShape },
    signal: options.signal,
  });
}

/**
 * Somebody's encrypted avatar: `GET /v1/users/{userId}/avatar`.
 * @throws {SottoError} `relay-refused` with `relayCode` `not-found` when there is none, and as AuthorizedClient
 */
export function requestAvatar(http: AuthorizedClient, userId: UserId, options: CallOptions = {}): Promise<Uint8Array> {
  return http.authorized({
    method: 'GET',
    path: `/v1/users/${userId}/avatar`,
    answer: { type: 'bytes', maxBytes: maxSealedAvatarBytes, read: (bytes) => bytes },
    signal: options.signal,
  });
}
