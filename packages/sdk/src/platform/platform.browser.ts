import { sha256 } from '@noble/hashes/sha2.js';
import type { Sha256 } from '../ports/hash.ts';
import type { Fetch, Platform } from '../ports/platform.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { Timers } from '../ports/timers.ts';
import { silentLogger, silentTracer } from './silent-parts.ts';
import { socketsOfBrowser } from './sockets.browser.ts';

/**
 * A browser's clock, timers, randomness (`crypto.getRandomValues`), WebSocket and `fetch`, with SHA-256 in JavaScript, since the browser's own has no answer at once; a logger and a tracer that say nothing.
 *
 * Each call makes its own: two clients share no state. In pages and in Workers.
 */
export function defaultPlatform(): Platform {
  return {
    clock: { now: () => Date.now() },
    timers: timersOfBrowser(),
    randomness: randomnessOfBrowser(),
    sha256: sha256InParts,
    sockets: socketsOfBrowser(),
    fetch: fetchOfBrowser,
    logger: silentLogger(),
    tracer: silentTracer(),
  };
}

/** A longer delay would run at once: browsers keep it in 31 bits. */
const longestDelay = 2 ** 31 - 1;

function timersOfBrowser(): Timers {
  return {
    after(ms, run) {
      const timer = setTimeout(run, Math.min(Math.max(ms, 0), longestDelay));
      return () => clearTimeout(timer);
    },
  };
}

/** The most that one call of `crypto.getRandomValues` gives. */
const mostRandomBytes = 65_536;

function randomnessOfBrowser(): Randomness {
  const bytes: Randomness['bytes'] = (count) => {
    const drawn = new Uint8Array(count);
    for (let at = 0; at < count; at += mostRandomBytes) {
      crypto.getRandomValues(drawn.subarray(at, Math.min(at + mostRandomBytes, count)));
    }
    return drawn;
  };
  const steps = new Uint32Array(2);
  return {
    bytes,
    fraction() {
      const [high = 0, low = 0] = crypto.getRandomValues(steps);
      return ((high >>> 11) * 2 ** 32 + low) / 2 ** 53;
    },
  };
}

const sha256InParts: Sha256 = (...parts) => {
  const hash = sha256.create();
  for (const part of parts) hash.update(part);
  return hash.digest();
};

// Looked up at each call, so that an application may put its own in its place.
const fetchOfBrowser: Fetch = (url, request) => globalThis.fetch(url, request);
