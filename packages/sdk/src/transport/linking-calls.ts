import { type LinkMessageRequest, type RegistrationAnswer, toBase64Url } from '@sotto/proto';
import { type AuthorizedClient, type CallOptions, type HttpClient, noAnswer } from './http-client.ts';
import {
  bytesShape,
  durationShape,
  integerShape,
  optionalShape,
  recordShape,
  textShape,
  uuidShape,
} from './json-shape.ts';

/** A place at the relay where one message can be left for a new device. */
export interface OpenLink {
  /** 16 bytes. */
  readonly linkId: Uint8Array;
  /** Opens the place; stays with the new device. */
  readonly pollToken: string;
  readonly expiresInMs: number;
}

/** What lets one new device register itself. */
export interface DeviceCode {
  /** 32 bytes. */
  readonly code: Uint8Array;
  readonly expiresInMs: number;
}

/** The relay waits for up to 25 seconds before it says that nothing has come. */
const pollTimeoutMs = 40_000;
const link = recordShape<OpenLink>({
  linkId: bytesShape(16, 16),
  pollToken: textShape(64),
  expiresInMs: durationShape,
});
const poll = recordShape<{ readonly message: Uint8Array | undefined }>({
  message: optionalShape(bytesShape(1, 16 * 1024)),
});
const code = recordShape<DeviceCode>({ code: bytesShape(32, 32), expiresInMs: durationShape });
const registered = recordShape<RegistrationAnswer>({
  userId: uuidShape,
  deviceId: integerShape(1, 127),
  accessToken: textShape(512),
  accessExpiresInMs: durationShape,
});

/**
 * Opens a place for the one message to a new device: `POST /v1/linking`.
 * @throws {SottoError} as HttpClient
 */
export function requestLink(http: HttpClient, publicKey: Uint8Array, options: CallOptions = {}): Promise<OpenLink> {
  return http.ask({
    method: 'POST',
    path: '/v1/linking',
    body: JSON.stringify({ publicKey: toBase64Url(publicKey) }),
    answer: { type: 'json', shape: link },
    signal: options.signal,
  });
}

/**
 * Waits for the message to a new device: `POST /v1/linking/{linkId}/message`. `undefined` when there is none yet; given once.
 * @throws {SottoError} `relay-refused` with relayCode `link-unknown`, and as HttpClient
 */
export async function pollLink(
  http: HttpClient,
  { linkId, pollToken }: OpenLink,
  options: CallOptions = {},
): Promise<Uint8Array | undefined> {
  const answer = await http.ask({
    method: 'POST',
    path: `/v1/linking/${toBase64Url(linkId)}/message`,
    body: JSON.stringify({ pollToken }),
    answer: { type: 'json', shape: poll },
    timeoutMs: pollTimeoutMs,
    signal: options.signal,
  });
  return answer.message;
}

/**
 * Leaves the one message for a new device: `PUT /v1/linking/{linkId}`.
 * @throws {SottoError} `relay-refused` with relayCode `link-unknown`, and as AuthorizedClient
 */
export function putLinkMessage(
  http: AuthorizedClient,
  to: { readonly linkId: Uint8Array; readonly publicKey: Uint8Array },
  message: Uint8Array,
  options: CallOptions = {},
): Promise<undefined> {
  const body: LinkMessageRequest = { publicKey: toBase64Url(to.publicKey), message: toBase64Url(message) };
  return http.authorized({
    method: 'PUT',
    path: `/v1/linking/${toBase64Url(to.linkId)}`,
    body: JSON.stringify(body),
    answer: noAnswer,
    signal: options.signal,
  });
}

/**
 * Asks for what lets one new device register itself: `POST /v1/devices/codes`.
 * @throws {SottoError} as AuthorizedClient
 */
export function requestDeviceCode(http: AuthorizedClient, options: CallOptions = {}): Promise<DeviceCode> {
  return http.authorized({
    method: 'POST',
    path: '/v1/devices/codes',
    answer: { type: 'json', shape: code },
    signal: options.signal,
  });
}

/**
 * Registers this device with its account: `POST /v1/devices`. The same body again is success.
 * @param body an encoded DeviceRegistrationRequest, as it was stored
 * @throws {SottoError} as HttpClient
 */
export function requestDeviceRegistration(
  http: HttpClient,
  body: string,
  options: CallOptions = {},
): Promise<RegistrationAnswer> {
  return http.ask({
    method: 'POST',
    path: '/v1/devices',
    body,
    answer: { type: 'json', shape: registered },
    signal: options.signal,
  });
}
