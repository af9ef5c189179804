import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { parseRelayAddress, type RelayAddress } from '../src/transport/relay-address.ts';

/** A request as it came. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

/** What to answer: JSON unless `text` is there; `hang` never answers, `cut` ends the connection. */
export type ScriptedAnswer =
  | {
      readonly status?: number;
      readonly json?: unknown;
      readonly text?: string;
      readonly headers?: Record<string, string>;
    }
  | 'hang'
  | 'cut';

/** An HTTP server on a real port that answers what the test says. */
export interface ScriptedRelay extends AsyncDisposable {
  readonly address: RelayAddress;
  readonly seen: readonly SeenRequest[];
  /** Takes the place of the answers from here on. */
  answer(how: (request: SeenRequest) => ScriptedAnswer | Promise<ScriptedAnswer>): void;
  /** Takes upgrades to WebSockets. */
  onUpgrade(handle: (request: IncomingMessage, socket: Duplex, head: Buffer) => void): void;
}

export async function scriptedRelay(
  first: (request: SeenRequest) => ScriptedAnswer | Promise<ScriptedAnswer> = () => ({ json: {} }),
): Promise<ScriptedRelay> {
  const seen: SeenRequest[] = [];
  let answer = first;
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const entry: SeenRequest = {
      method: request.method ?? '',
      path: request.url ?? '',
      authorization: request.headers.authorization,
      body: Buffer.concat(parts).toString('latin1'),
    };
    seen.push(entry);
    const given = await answer(entry);
    if (given === 'hang') return;
    if (given === 'cut') {
      response.destroy();
      return;
    }
    response.writeHead(given.status ?? 200, { 'content-type': 'application/json', ...given.headers });
    response.end(given.text ?? (given.json === undefined ? '' : JSON.stringify(given.json)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: parseRelayAddress(`http://127.0.0.1:${port}`),
    seen,
    answer(how) {
      answer = how;
    },
    onUpgrade(handle) {
      server.on('upgrade', handle);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The body of a refusal. */
export function refusal(status: number, code: string, more: object = {}): ScriptedAnswer {
  return { status, json: { error: { code, message: 'as the relay says it', retryable: false, ...more } } };
}
