import { ProtoError } from '@sotto/proto';
import type { Fetch } from '../ports/platform.ts';
import type { Timers } from '../ports/timers.ts';
import { SottoError } from '../sotto-error.ts';
import { type Shape, ShapeMismatch } from './json-shape.ts';
import { refusalOf } from './refusal.ts';
import type { RelayAddress } from './relay-address.ts';
import { readBody } from './response-body.ts';

/** Every long call takes one; an abort rejects with its reason. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** One request to the relay, and how its answer is read. */
export interface HttpRequest<T> extends CallOptions {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** After the address of the relay: begins with a slash. */
  readonly path: string;
  /** A JSON body, already encoded, or bytes. */
  readonly body?: string | Uint8Array;
  readonly answer: AnswerForm<T>;
  /** How long to wait for the answer; 20 seconds when left out. */
  readonly timeoutMs?: number;
}

/** What a good answer is. */
export type AnswerForm<T> =
  | { readonly type: 'json'; readonly shape: Shape<T> }
  | { readonly type: 'bytes'; readonly maxBytes: number; readonly read: (bytes: Uint8Array) => T }
  | { readonly type: 'none'; readonly value: T };

/** A good answer without a body. */
export const noAnswer: AnswerForm<undefined> = { type: 'none', value: undefined };

/** Asks the relay by HTTP, without saying who asks. */
export interface HttpClient {
  /**
   * Sends a request and reads its answer.
   * @throws {SottoError} `relay-unreachable` (retryable: no connection, too slow), `relay-misbehaved` (no answer of a Sotto relay), `rate-limited`, a code of the relay that is one of ours, or `relay-refused` with `relayCode`
   */
  ask<T>(request: HttpRequest<T>, accessToken?: string): Promise<T>;
}

/** An HttpClient that says who asks. */
export interface AuthorizedClient {
  /**
   * As HttpClient, with the access token of this device; a refused token is refreshed once.
   * @throws {SottoError} as HttpClient, and `not-registered`, `session-ended`
   */
  authorized<T>(request: HttpRequest<T>): Promise<T>;
}

const timeoutMs = 20_000;
const maxJsonBytes = 1024 * 1024;

/** The HTTP side of one relay. */
export function httpClient(parts: {
  readonly address: RelayAddress;
  readonly fetch: Fetch;
  readonly timers: Timers;
  /** Ends every request that is under way, and lets none begin. */
  readonly ended?: AbortSignal;
}): HttpClient {
  return {
    async ask(request, accessToken) {
      const signals = [request.signal, parts.ended].filter((signal) => signal !== undefined);
      for (const signal of signals) signal.throwIfAborted();
      const ending = new AbortController();
      const forward = () => ending.abort();
      for (const signal of signals) signal.addEventListener('abort', forward, { once: true });
      const cancel = parts.timers.after(request.timeoutMs ?? timeoutMs, () => ending.abort());
      try {
        const answer = await parts.fetch(parts.address.http + request.path, {
          method: request.method,
          headers: headersOf(request, accessToken),
          ...(request.body === undefined ? {} : { body: sendable(request.body) }),
          signal: ending.signal,
          redirect: 'manual',
        });
        return await readAnswer(request, answer);
      } catch (cause) {
        for (const signal of signals) signal.throwIfAborted();
        if (cause instanceof SottoError) throw cause;
        const slow = ending.signal.aborted;
        throw new SottoError(
          'relay-unreachable',
          slow
            ? 'the relay did not answer in time: try again'
            : 'the relay can not be reached: check its address, and that it runs',
          { retryable: true, cause },
        );
      } finally {
        cancel();
        for (const signal of signals) signal.removeEventListener('abort', forward);
      }
    },
  };
}

function headersOf({ body, answer }: HttpRequest<unknown>, accessToken: string | undefined): Record<string, string> {
  return {
    accept: answer.type === 'bytes' ? 'application/octet-stream' : 'application/json',
    ...(body === undefined
      ? {}
      : { 'content-type': typeof body === 'string' ? 'application/json' : 'application/octet-stream' }),
    ...(accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` }),
  };
}

function sendable(body: string | Uint8Array): string | Uint8Array<ArrayBuffer> {
  return typeof body === 'string' ? body : new Uint8Array(body);
}

async function readAnswer<T>(request: HttpRequest<T>, answer: Awaited<ReturnType<Fetch>>): Promise<T> {
  const { answer: form } = request;
  const good = answer.status >= 200 && answer.status < 300;
  const bytes = await readBody(answer, good && form.type === 'bytes' ? form.maxBytes : maxJsonBytes);
  if (!good) throw refusal(request, refusalOf(answer.status, parsed(bytes), answer.headers.get('retry-after')));
  if (form.type === 'none') return form.value;
  try {
    return form.type === 'bytes' ? form.read(bytes) : form.shape(parsed(bytes));
  } catch (cause) {
    if (!(cause instanceof ShapeMismatch || cause instanceof ProtoError)) throw cause;
    throw new SottoError(
      'relay-misbehaved',
      'the answer is not that of a Sotto relay of this version: check the address of the relay',
      { cause },
    );
  }
}

/** A relay that has no such path at all was given another address than its own. */
function refusal({ answer }: HttpRequest<unknown>, told: SottoError): SottoError {
  // Only avatars, the one answer that is bytes, may not be there.
  if (told.relayCode !== 'not-found' || answer.type === 'bytes') return told;
  return new SottoError(
    'relay-url-invalid',
    'the relay does not serve this address: leave out what stands after its host and port',
    { relayCode: 'not-found', cause: told },
  );
}

/** The JSON value, or undefined when the bytes are none. */
function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (notJson) {
    // TextDecoder throws a TypeError, JSON.parse a SyntaxError: both say that this is something else.
    if (notJson instanceof TypeError || notJson instanceof SyntaxError) return undefined;
    throw notJson;
  }
}
