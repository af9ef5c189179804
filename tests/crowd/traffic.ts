import { createHash } from 'node:crypto';
import { Envelope, ServerFrames } from '@sotto/proto';
import type { SocketFactory } from '@sotto/sdk/ports';
import { wsSockets } from '../soak/ws-sockets.ts';

/** Every envelope that a relay hands to anybody, from the first time on that somebody wants it. */
export class Traffic {
  readonly #envelopes: Uint8Array[] = [];
  readonly #known = new Set<string>();
  #isWanted = false;

  /** Where it is now: `since` gives what comes from here on. */
  mark(): number {
    this.#isWanted = true;
    return this.#envelopes.length;
  }

  since(mark: number): readonly Uint8Array[] {
    return this.#envelopes.slice(mark);
  }

  /** The real sockets of a client, with a look at what comes. */
  sockets(): SocketFactory {
    const real = wsSockets();
    return {
      credential: real.credential,
      open: (target, handlers) =>
        real.open(target, {
          opened: () => handlers.opened(),
          closed: (reason) => handlers.closed(reason),
          received: (bytes) => {
            if (this.#isWanted) this.#note(bytes);
            handlers.received(bytes);
          },
        }),
    };
  }

  /** One ciphertext for many devices counts once. */
  #note(bytes: Uint8Array): void {
    for (const { deliver } of ServerFrames.decode(bytes).frames) {
      if (!deliver?.envelope) continue;
      const key = createHash('sha256').update(Envelope.decode(deliver.envelope).ciphertext).digest('base64');
      if (this.#known.has(key)) continue;
      this.#known.add(key);
      this.#envelopes.push(deliver.envelope.slice());
    }
  }
}
