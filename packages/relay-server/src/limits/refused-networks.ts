import type { Clock } from '../ports/clock.ts';
import { RelayError } from '../relay-error.ts';
import { type Limits, tooOften } from './limits.ts';

/** The most clients that are remembered. */
const mostKept = 10_000;

/** Who had too many upgrades refused: turned away for a moment before a token is even looked up. Clients whose upgrades succeed cost nothing here. */
export class RefusedNetworks {
  readonly #limits: Limits;
  readonly #clock: Clock;
  /** From when until when, by network; the ones that were added last come last. */
  readonly #barred = new Map<string, { readonly from: number; readonly until: number }>();

  constructor(limits: Limits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** @throws {RelayError} `rate-limited` */
  check(network: string | undefined): void {
    if (network === undefined) return;
    const bar = this.#barred.get(network);
    if (bar === undefined) return;
    const now = this.#clock.now();
    // A clock that was set back to before it ends it.
    if (now >= bar.from && now < bar.until) throw tooOften(bar.until - now);
    this.#barred.delete(network);
  }

  /** Counts an upgrade that was refused for who asked; gives the error to answer with. */
  async count(network: string | undefined, error: unknown): Promise<unknown> {
    if (network === undefined || !(error instanceof RelayError) || error.retryable) return error;
    try {
      await this.#limits.takeRefusedUpgrade(network);
      return error;
    } catch (limited) {
      if (!(limited instanceof RelayError)) throw limited;
      if (this.#barred.size >= mostKept) {
        for (const oldest of this.#barred.keys()) {
          this.#barred.delete(oldest);
          break;
        }
      }
      const from = this.#clock.now();
      this.#barred.set(network, { from, until: from + (limited.retryAfterMs ?? 0) });
      return limited;
    }
  }
}
