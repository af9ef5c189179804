import type { Clock } from './clock.ts';
import type { Sha256 } from './hash.ts';
import type { Logger } from './logger.ts';
import type { Randomness } from './randomness.ts';
import type { SocketFactory } from './socket.ts';
import type { Timers } from './timers.ts';
import type { Tracer } from './tracer.ts';

/** Sends one HTTP request. The global `fetch` fits. */
export type Fetch = (
  url: string,
  request: {
    readonly method: string;
    readonly headers: Record<string, string>;
    readonly body?: string | Uint8Array<ArrayBuffer>;
    readonly signal: AbortSignal;
    /** Redirects are not followed: the answer is the redirect (its status, or 0 in browsers). */
    readonly redirect: 'manual';
  },
) => Promise<{
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  /** Read piece by piece, so that an endless body can be given up. */
  readonly body: { getReader(): BodyReader } | null;
}>;

/** Reads the body of an answer. */
export interface BodyReader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

/** Everything that touches the platform. Each part can be given to `Client.open`; the rest has its default. */
export interface Platform {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly randomness: Randomness;
  readonly sha256: Sha256;
  readonly sockets: SocketFactory;
  readonly fetch: Fetch;
  readonly logger: Logger;
  readonly tracer: Tracer;
}
