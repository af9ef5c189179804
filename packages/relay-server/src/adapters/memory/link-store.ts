import type { LinkPoll, LinkStore, NewLink } from '../../ports/link-store.ts';
import { byteKey, sameBytes } from './byte-key.ts';

interface OpenLink extends NewLink {
  message: Uint8Array | undefined;
}

/** Links in one process, `mostOpen` at once. */
export class MemoryLinkStore implements LinkStore {
  readonly #links = new Map<string, OpenLink>();
  readonly #mostOpen: number;

  constructor(mostOpen = 100_000) {
    this.#mostOpen = mostOpen;
  }

  async open(link: NewLink, now: number): Promise<'opened' | 'full'> {
    for (const [key, held] of this.#links) {
      // All live equally long, so the ones that ended stand first.
      if (now < held.expiresAt) break;
      this.#links.delete(key);
    }
    if (this.#links.size >= this.#mostOpen) return 'full';
    this.#links.set(byteKey(link.id), { ...link, message: undefined });
    return 'opened';
  }

  async leave(id: Uint8Array, publicKey: Uint8Array, message: Uint8Array, now: number): Promise<'left' | 'unknown'> {
    const link = this.#links.get(byteKey(id));
    if (link === undefined || now >= link.expiresAt) return 'unknown';
    if (link.message !== undefined || !sameBytes(link.publicKey, publicKey)) return 'unknown';
    link.message = message;
    return 'left';
  }

  async take(id: Uint8Array, tokenHash: Uint8Array, now: number): Promise<LinkPoll> {
    const key = byteKey(id);
    const link = this.#links.get(key);
    if (link === undefined || now >= link.expiresAt || !sameBytes(link.tokenHash, tokenHash)) {
      return { status: 'unknown' };
    }
    if (link.message === undefined) return { status: 'waiting', expiresAt: link.expiresAt };
    this.#links.delete(key);
    return { status: 'taken', message: link.message };
  }
}
