import { toBase64Url } from '@sotto/proto';
import { type AuthorizedClient, type CallOptions, noAnswer } from './http-client.ts';
import { maxSealedAvatarBytes } from './profile-calls.ts';

/** Where an encrypted avatar of a group stands. */
export interface GroupAvatarPlace {
  readonly wireId: Uint8Array;
  /** 32 bytes. */
  readonly location: Uint8Array;
}

/**
 * Stores an encrypted avatar where nothing else stands: `PUT /v1/groups/{groupId}/avatars/{location}`. The same bytes again are success.
 * @throws {SottoError} `group-unknown`, `avatar-too-large`, `rate-limited`, and as AuthorizedClient
 */
export function storeGroupAvatar(
  http: AuthorizedClient,
  place: GroupAvatarPlace,
  sealed: Uint8Array,
  options: CallOptions = {},
): Promise<undefined> {
  return http.authorized({
    method: 'PUT',
    path: pathOf(place),
    body: sealed,
    answer: noAnswer,
    signal: options.signal,
  });
}

/**
 * An encrypted avatar of a group: `GET /v1/groups/{groupId}/avatars/{location}`.
 * @throws {SottoError} `group-unknown`, `relay-refused` with `relayCode` `not-found` when there is none, and as AuthorizedClient
 */
export function requestGroupAvatar(
  http: AuthorizedClient,
  place: GroupAvatarPlace,
  options: CallOptions = {},
): Promise<Uint8Array> {
  return http.authorized({ method: 'GET', path: pathOf(place), answer: sealedAvatar, signal: options.signal });
}

/**
 * The same for whoever has a link: `POST /v1/groups/{groupId}/avatars/{location}/invitation`.
 * @throws {SottoError} `relay-refused` with `relayCode` `not-found` when there is none, or the link was closed, and as AuthorizedClient
 */
export function requestInvitedAvatar(
  http: AuthorizedClient,
  place: GroupAvatarPlace,
  inviteToken: Uint8Array,
  options: CallOptions = {},
): Promise<Uint8Array> {
  return http.authorized({
    method: 'POST',
    path: `${pathOf(place)}/invitation`,
    body: JSON.stringify({ inviteToken: toBase64Url(inviteToken) }),
    answer: sealedAvatar,
    signal: options.signal,
  });
}

const sealedAvatar = {
  type: 'bytes',
  maxBytes: maxSealedAvatarBytes,
  read: (bytes: Uint8Array) => bytes,
} as const;

function pathOf({ wireId, location }: GroupAvatarPlace): string {
  return `/v1/groups/${toBase64Url(wireId)}/avatars/${toBase64Url(location)}`;
}
