import { connect } from 'node:net';
import { FuzzRandom } from '../fuzz-random.ts';
import type { FuzzTarget } from '../fuzz-target.ts';
import { type ApiDescription, HttpGrammar } from './http-grammar.ts';
import type { RelayUnderFuzz } from './relay-under-fuzz.ts';

/** Raw bytes on a TCP connection: each answer is one of the protocol's, and none of them says that the relay failed. */
export async function httpTarget(relay: RelayUnderFuzz): Promise<FuzzTarget> {
  const api = (await (await fetch(`${relay.url}/v1/openapi.json`)).json()) as ApiDescription;
  const ids = [relay.attackerId, relay.alice.client.account?.userId ?? '', crypto.randomUUID()];
  // Of a group that is not there yet, and of a place for its avatar: whoever asks may make one.
  for (let fill = 1; fill <= 2; fill++) ids.push(Buffer.alloc(32, fill).toString('base64url'));
  const grammar = new HttpGrammar(api, relay.token, ids);
  return {
    name: 'http',
    seeds: () => grammar.seeds(new FuzzRandom('http-seeds', 1)),
    generate: (random) => grammar.some(random),
    async run(input) {
      checkAnswer(await answerTo(relay.url, input));
    },
    settle: () => relay.stillServes(),
  };
}

/** Sends the bytes, then the end; gives all that comes back. */
function answerTo(url: string, input: Uint8Array): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    socket.on('data', (chunk) => chunks.push(chunk));
    // A reset after the answer is as good as an end.
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.end());
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    socket.end(input);
  });
}

/** Statuses of 500 and more that an operator's settings explain. */
const lawfulFailures = new Set(['code-sender-unavailable', 'draining']);

function checkAnswer(answer: string): void {
  if (answer === '') return;
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
  if (!Number.isInteger(status)) throw new Error(`no status line: ${answer.slice(0, 60)}`);
  if (status < 400) return;
  const body = answer.slice(answer.indexOf('\r\n\r\n') + 4);
  const code = /"code":"([a-z-]+)"/.exec(body)?.[1];
  if (status >= 500 && !lawfulFailures.has(code ?? '')) throw new Error(`status ${status} with ${code ?? 'no code'}`);
  const isHead = body === '';
  if (!isHead && code === undefined) throw new Error(`status ${status} without an error body: ${body.slice(0, 80)}`);
}
