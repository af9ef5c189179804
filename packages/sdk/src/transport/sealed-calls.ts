import {
  ProtoError,
  SealedMultiSends,
  type SealedMultiSendsFields,
  SealedResults,
  SealedSends,
  type SealedSendsFields,
  type SendResult,
} from '@sotto/proto';
import type { AuthorizedClient, CallOptions, HttpClient, HttpRequest } from './http-client.ts';
import { bytesShape, integerShape, listShape, optionalShape, recordShape } from './json-shape.ts';

/** A certificate of the own device, as the relay gives it. */
export interface FetchedCertificate {
  /** libsignal's serialised SenderCertificate. */
  readonly certificate: Uint8Array;
  /** By the relay's clock. */
  readonly expiresAt: number;
}

const mostTrustRoots = 8;
const maxResultBytes = 1024 * 1024;

const certificateShape = recordShape<FetchedCertificate>({
  certificate: bytesShape(1, 4_096),
  expiresAt: integerShape(0, Number.MAX_SAFE_INTEGER),
});

const descriptionShape = recordShape<{ readonly trustRoots: readonly Uint8Array[] | undefined }>({
  trustRoots: optionalShape(listShape(bytesShape(33, 33), mostTrustRoots)),
});

/**
 * The public keys under which a relay's certificates of senders are made: `GET /.well-known/sotto.json`. None from a relay that has no sealed sends.
 * @throws {SottoError} as HttpClient
 */
export async function requestTrustRoots(http: HttpClient, options: CallOptions = {}): Promise<readonly Uint8Array[]> {
  const { trustRoots } = await http.ask({
    method: 'GET',
    path: '/.well-known/sotto.json',
    answer: { type: 'json', shape: descriptionShape },
    signal: options.signal,
  });
  return trustRoots ?? [];
}

/**
 * A certificate of the own device: `GET /v1/certificates/sender`.
 * @throws {SottoError} as AuthorizedClient
 */
export function requestSenderCertificate(
  http: AuthorizedClient,
  options: CallOptions = {},
): Promise<FetchedCertificate> {
  return http.authorized({
    method: 'GET',
    path: '/v1/certificates/sender',
    answer: { type: 'json', shape: certificateShape },
    signal: options.signal,
  });
}

/**
 * Sends to one account without saying who sends: `POST /v1/sealed`.
 * @returns a result a send, in their order
 * @throws {SottoError} `relay-refused` with `relayCode` `sealed-refused` when this is not the account's access key (any more), `rate-limited`, and as HttpClient
 */
export function postSealed(
  http: HttpClient,
  sends: SealedSendsFields,
  options: CallOptions = {},
): Promise<readonly SendResult[]> {
  return http.ask(posted('/v1/sealed', SealedSends.encode(sends), sends.sends?.length ?? 0, options));
}

/**
 * Sends messages to many accounts each without saying who sends: `POST /v1/sealed/multi`.
 * @returns a result a send, in their order
 * @throws {SottoError} as `postSealed`: `sealed-refused` when none of the access keys of the first one is right
 */
export function postSealedMulti(
  http: HttpClient,
  sends: SealedMultiSendsFields,
  options: CallOptions = {},
): Promise<readonly SendResult[]> {
  return http.ask(posted('/v1/sealed/multi', SealedMultiSends.encode(sends), sends.sends?.length ?? 0, options));
}

function posted(
  path: string,
  body: Uint8Array,
  count: number,
  { signal }: CallOptions,
): HttpRequest<readonly SendResult[]> {
  const read = (bytes: Uint8Array): readonly SendResult[] => {
    // Decoded results have all fields of the class.
    const results = SealedResults.decode(bytes).results as SendResult[];
    if (results.length !== count) throw new ProtoError('malformed-message', 'there is not a result for each send');
    return results;
  };
  return { method: 'POST', path, body, answer: { type: 'bytes', maxBytes: maxResultBytes, read }, signal };
}
