import {
  fromBase64Url,
  type LinkAnswer,
  type LinkMessageRequest,
  type LinkPollAnswer,
  type LinkRequest,
  toBase64Url,
} from '@sotto/proto';
import { hashOfToken, readToken, tokenBytes } from '../auth/token.ts';
import { readEcKey } from '../keys/public-key.ts';
import { tooOften } from '../limits/limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { LinkStore } from '../ports/link-store.ts';
import type { Randomness } from '../ports/randomness.ts';
import { RelayError } from '../relay-error.ts';
import { unknownLink } from './link-unknown.ts';
import type { LinkWaits } from './link-waits.ts';

/** The most bytes of the message for a new device. */
export const linkMessageBytes = 16 * 1024;
/** How long a poll waits: shorter than proxies do. */
const pollMs = 25_000;
/** When the store of links is full. */
const retryWhenFullMs = 10_000;

/** What `Linkings` works with. */
export interface LinkingParts {
  readonly links: LinkStore;
  readonly clock: Clock;
  readonly waits: LinkWaits;
  readonly randomness: Randomness;
  readonly linkTtlMs: number;
  /** A message was left here: who waits elsewhere does not know. */
  readonly onLeft: (linkId: string) => void;
}

/**
 * Hands one sealed message from a device of an account to a new device that has none yet.
 *
 * The new device shows link id and key in a code that is scanned; the poll token never leaves it. The relay learns neither what is in the message nor whom it will belong to.
 */
export class Linkings {
  readonly #parts: LinkingParts;

  constructor(parts: LinkingParts) {
    this.#parts = parts;
  }

  /** @throws {RelayError} `key-malformed`; `rate-limited` when there is no room for one more */
  async open(request: LinkRequest): Promise<LinkAnswer> {
    const { links, clock, randomness, linkTtlMs } = this.#parts;
    const publicKey = fromBase64Url(request.publicKey);
    readEcKey(publicKey);
    const id = randomness.bytes(16);
    const pollToken = randomness.bytes(tokenBytes);
    const now = clock.now();
    const opened = await links.open(
      { id, tokenHash: hashOfToken(pollToken), publicKey, expiresAt: now + linkTtlMs },
      now,
    );
    if (opened === 'full') throw tooOften(retryWhenFullMs);
    return { linkId: toBase64Url(id), pollToken: toBase64Url(pollToken), expiresInMs: linkTtlMs };
  }

  /**
   * Leaves the message, and wakes who waits for it.
   * @throws {RelayError} `link-unknown`, `request-too-large`
   */
  async leave(linkId: string, request: LinkMessageRequest): Promise<void> {
    const { links, waits, clock, onLeft } = this.#parts;
    const message = fromBase64Url(request.message);
    if (message.length > linkMessageBytes) {
      throw new RelayError('request-too-large', `The message for a new device has at most ${linkMessageBytes} bytes.`);
    }
    const outcome = await links.leave(readLinkId(linkId), fromBase64Url(request.publicKey), message, clock.now());
    if (outcome === 'unknown') throw unknownLink();
    waits.wake(linkId);
    onLeft(linkId);
  }

  /**
   * Gives the message, waiting for it as long as `signal` is not aborted; nothing when it has not come. It is given once, and not to a request that was given up before it came.
   * @throws {RelayError} `link-unknown`
   */
  async poll(linkId: string, pollToken: string, signal: AbortSignal): Promise<LinkPollAnswer> {
    const { links, clock } = this.#parts;
    const id = readLinkId(linkId);
    const token = readToken(pollToken);
    if (token === undefined) throw unknownLink();
    const take = async () => {
      if (signal.aborted) return {};
      const poll = await links.take(id, hashOfToken(token), clock.now());
      if (poll.status === 'unknown') throw unknownLink();
      return poll.status === 'waiting' ? poll.expiresAt : { message: toBase64Url(poll.message) };
    };
    // Before the first look: a message that comes during it is not slept over.
    const waiting = this.#parts.waits.begin(linkId, signal);
    try {
      const first = await take();
      if (typeof first !== 'number') return first;
      await waiting.until(Math.min(pollMs, first - clock.now()));
      const second = await take();
      return typeof second === 'number' ? {} : second;
    } finally {
      waiting.end();
    }
  }
}

function readLinkId(text: string): Uint8Array {
  const id = /^[A-Za-z0-9_-]{22}$/.test(text) ? fromBase64Url(text) : undefined;
  if (id === undefined) throw unknownLink();
  return id;
}
