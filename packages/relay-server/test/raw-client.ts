import { request } from 'node:http';
import type {
  ErrorBody,
  RegistrationAnswer,
  RegistrationRequest,
  StreamTicketAnswer,
  VerificationAnswer,
} from '@sotto/proto';
import { WebSocket } from 'ws';
import { makeKeys, makeRegistration, type RawKeys } from './raw-keys.ts';
import { RawStream } from './raw-stream.ts';
import type { TestRelay } from './test-relay.ts';

/** Where a relay is reached. */
export type RawRelay = Pick<TestRelay, 'url'>;

/** What a relay answered. */
export interface RawAnswer<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

/** Sends one HTTP request; a body that is not bytes goes as JSON. */
export async function call<Body = unknown>(
  relay: { readonly url: string },
  method: string,
  path: string,
  options: { readonly token?: string; readonly body?: unknown; readonly headers?: Record<string, string> } = {},
): Promise<RawAnswer<Body>> {
  const { token, body, headers = {} } = options;
  const isBytes = body instanceof Uint8Array;
  const response = await fetch(relay.url + path, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': isBytes ? 'application/octet-stream' : 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && {
      body: isBytes ? new Uint8Array(body) : typeof body === 'string' ? body : JSON.stringify(body),
    }),
  });
  const type = response.headers.get('content-type') ?? '';
  const read: unknown = type.startsWith('application/json')
    ? await response.json()
    : type.startsWith('application/octet-stream')
      ? new Uint8Array(await response.arrayBuffer())
      : await response.text();
  return { status: response.status, headers: response.headers, body: read as Body };
}

/** The error of a refused request, with its status. */
export async function refusal(
  answer: Promise<RawAnswer<unknown>>,
): Promise<ErrorBody['error'] & { readonly status: number }> {
  const { status, body } = await answer;
  if (status < 400) throw new Error(`accepted with ${status}`);
  return { status, ...(body as ErrorBody).error };
}

/** Asks for a code and reads it where the relay's sender put it. */
export async function verify(
  relay: Pick<TestRelay, 'url' | 'codeFor'>,
  number: string,
): Promise<{ verificationId: string; code: string }> {
  const answer = await call<VerificationAnswer>(relay, 'POST', '/v1/verifications', { body: { number } });
  if (answer.status !== 202) throw new Error(`no verification: ${answer.status} ${JSON.stringify(answer.body)}`);
  return { verificationId: answer.body.verificationId, code: relay.codeFor(number) };
}

/** An account that is registered. */
export interface RawAccount extends RawAnswer<RegistrationAnswer> {
  readonly keys: RawKeys;
  readonly request: RegistrationRequest;
  readonly number: string;
  readonly token: string;
}

/** Registers a number with new keys. */
export async function register(
  relay: Pick<TestRelay, 'url' | 'codeFor'>,
  number: string,
  change: (request: RegistrationRequest, keys: RawKeys) => RegistrationRequest = (request) => request,
): Promise<RawAccount> {
  const keys = makeKeys();
  const { verificationId, code } = await verify(relay, number);
  const request = change(makeRegistration(keys, verificationId, code), keys);
  const answer = await call<RegistrationAnswer>(relay, 'POST', '/v1/registrations', { body: request });
  if (answer.status !== 200) throw new Error(`no registration: ${answer.status} ${JSON.stringify(answer.body)}`);
  return { ...answer, keys, request, number, token: answer.body.accessToken };
}

/** Opens a stream without saying hello. */
export async function connect(
  relay: { readonly url: string },
  options: { readonly token?: string; readonly protocols?: string[]; readonly origin?: string } = {},
): Promise<RawStream> {
  const { token, protocols = [], origin } = options;
  const socket = new WebSocket(`${relay.url.replace('http', 'ws')}/v1/stream`, protocols, {
    perMessageDeflate: false,
    ...(origin !== undefined && { origin }),
    ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
  });
  const stream = new RawStream(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.once('error', reject);
  });
  socket.on('error', () => socket.terminate());
  return stream;
}

/** The subprotocols with which a browser opens a stream: a fresh ticket among them. */
export async function ticketProtocols(relay: { readonly url: string }, token: string): Promise<string[]> {
  const { status, body } = await call<StreamTicketAnswer>(relay, 'POST', '/v1/stream-tickets', { token });
  if (status !== 200) throw new Error(`no ticket: ${status}`);
  return ['sotto.v1', `sotto.ticket.${body.ticket}`];
}

/** Opens a stream, says hello, and waits for the answer. */
export async function open(relay: { readonly url: string }, account: RawAccount): Promise<RawStream> {
  const stream = await connect(relay, { token: account.token });
  stream.send({ hello: { protocolMin: 1, protocolMax: 1, agent: 'raw-client' } });
  stream.greeting = await stream.next('hello');
  return stream;
}

/** Asks for a stream and gives the HTTP answer that refused it. */
export function refusedUpgrade(
  relay: { readonly url: string },
  headers: Record<string, string> = {},
  path = '/v1/stream',
): Promise<ErrorBody['error'] & { readonly status: number }> {
  return new Promise((resolve, reject) => {
    const asked = request(relay.url + path, {
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...headers,
      },
    });
    asked.on('error', reject);
    asked.on('upgrade', (_response, socket) => {
      socket.destroy();
      reject(new Error('upgraded'));
    });
    asked.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => {
        const body = JSON.parse(text) as ErrorBody;
        resolve({ status: response.statusCode ?? 0, ...body.error });
      });
    });
    asked.end();
  });
}
