import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Platform } from '@sotto/sdk/ports';
import { nextTurn } from '../platform/event-loop-turn.ts';
import type { LineView } from './line-view.ts';

type Fetch = Platform['fetch'];
type FetchRequest = Parameters<Fetch>[1];
type FetchAnswer = Awaited<ReturnType<Fetch>>;

/** `fetch` over a line: each request is real HTTP on a connection in memory of its own. */
export function lineFetch(line: LineView): Fetch {
  return async (url, request) => {
    request.signal.throwIfAborted();
    const { parts } = line;
    if (line.state === 'half-open') return silence(request.signal);
    const fate = line.fateOfRequest();
    const delay = line.delayOf('up') + line.delayOf('down');
    if (delay > 0) await waited(line, delay, request.signal);
    const ended = parts.activity.begin();
    try {
      // As a real one takes a turn to fail.
      await nextTurn();
      request.signal.throwIfAborted();
      const connection =
        line.state === 'up' && fate !== 'request-lost' ? parts.port.connect(parts.remoteAddress) : undefined;
      if (connection === undefined) throw new TypeError('fetch failed: there is no connection');
      const answer = await exchange(connection, new URL(url), request);
      if (fate === 'answer-lost') throw new TypeError('fetch failed: the connection broke before the answer came');
      return answer;
    } finally {
      ended();
    }
  };
}

/** Nothing comes until the caller has enough of it. */
function silence(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function waited(line: LineView, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = line.parts.time.timers.after(ms, resolve);
    const abort = () => {
      cancel();
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
  });
}

function exchange(connection: Duplex, url: URL, { method, headers, body, signal }: FetchRequest): Promise<FetchAnswer> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      connection.destroy();
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    const asked = httpRequest({
      method,
      path: `${url.pathname}${url.search}`,
      headers: {
        ...headers,
        host: url.host,
        connection: 'close',
        ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
      },
      createConnection: () => connection,
    });
    asked.on('error', (cause) => {
      signal.removeEventListener('abort', abort);
      reject(new TypeError('fetch failed', { cause }));
    });
    asked.on('response', (response) => {
      readAll(response).then((bytes) => {
        signal.removeEventListener('abort', abort);
        connection.destroy();
        resolve(answerOf(response, bytes));
      }, reject);
    });
    asked.end(body);
  });
}

async function readAll(response: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

function answerOf(response: IncomingMessage, bytes: Uint8Array): FetchAnswer {
  let read = false;
  return {
    status: response.statusCode ?? 0,
    headers: {
      get: (name) => {
        const value = response.headers[name.toLowerCase()];
        return Array.isArray(value) ? value.join(', ') : (value ?? null);
      },
    },
    body: {
      getReader: () => ({
        read: async () => {
          if (read || bytes.length === 0) return { done: true };
          read = true;
          return { done: false, value: bytes };
        },
        cancel: async () => undefined,
      }),
    },
  };
}
