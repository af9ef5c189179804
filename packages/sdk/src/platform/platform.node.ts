import { hash, randomBytes, randomInt } from 'node:crypto';
import type { Sha256 } from '../ports/hash.ts';
import type { Fetch, Platform } from '../ports/platform.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { Timers } from '../ports/timers.ts';
import { silentLogger, silentTracer } from './silent-parts.ts';
import { socketsOfNode } from './sockets.node.ts';

/**
 * Node's clock, timers, randomness, SHA-256, WebSocket (`ws`) and `fetch`; a logger and a tracer that say nothing.
 *
 * Each call makes its own: two clients share no state.
 */
export function defaultPlatform(): Platform {
  return {
    clock: { now: () => Date.now() },
    timers: timersOfNode(),
    randomness: randomnessOfNode(),
    sha256: sha256OfNode,
    sockets: socketsOfNode(),
    fetch: fetchOfNode,
    logger: silentLogger(),
    tracer: silentTracer(),
  };
}

/** A longer delay would run at once: Node keeps it in 31 bits. */
const longestDelay = 2 ** 31 - 1;

function timersOfNode(): Timers {
  return {
    after(ms, run) {
      const timer = setTimeout(run, Math.min(Math.max(ms, 0), longestDelay));
      return () => clearTimeout(timer);
    },
  };
}

function randomnessOfNode(): Randomness {
  const steps = 2 ** 47;
  return {
    bytes: pooledBytes(),
    fraction: () => randomInt(steps) / steps,
  };
}

/** Small requests are cut from a block: each call into the system's source costs more than a hundred bytes of it. */
function pooledBytes(): Randomness['bytes'] {
  const blockBytes = 4_096;
  let block = new Uint8Array(0);
  return (count) => {
    if (count > 64) return new Uint8Array(randomBytes(count));
    if (block.length < count) block = new Uint8Array(randomBytes(blockBytes));
    const bytes = block.slice(0, count);
    // What was given out is not to be found here any more.
    block.fill(0, 0, count);
    block = block.subarray(count);
    return bytes;
  };
}

const sha256OfNode: Sha256 = (...parts) => {
  const [first] = parts;
  return new Uint8Array(hash('sha256', parts.length === 1 && first ? first : Buffer.concat(parts), 'buffer'));
};

// Looked up at each call, so that an application may put its own (a proxy, an agent) in its place.
const fetchOfNode: Fetch = (url, request) => globalThis.fetch(url, request);
