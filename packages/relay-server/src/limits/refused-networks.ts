import type { Clock } from '../ports/clock.ts';
import { RelayError } from '../relay-error.ts';
import { type Limits, tooOften } from './limits.ts';

/** The most clients that are remembered. */
const mostKept = 10_000;

/** Who had too many upgrades refused: turned away for a moment before a token is even looked up. Clients whose upgrades succeed cost nothing here. */
export class RefusedNetworks {
  readonly #limits: Limits;
  readonly #clock: Clock;
  /** Until when, by network; the ones that were added last come last. */
  readonly #barredUntil = new Map<string, number>();

  constructor(limits: Limits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** @throws {RelayError} `rate-limited` */
  check(network: string | undefined): void {
    if (network === undefined) return;
    const until = this.#barredUntil.get(network);
    if (until === undefined) return;
    const left = until - this.#clock.now();
    if (left > 0) throw tooOften(left);
    this.#barredUntil.delete(network);
  }

  /** Counts an upgrade that was refused for who asked; gives the error to answer with. */
  async count(network: string | undefined, error: unknown): Promise<unknown> {
    if (network === undefined || !(error instanceof RelayError) || error.retryable) return error;
    try {
      await this.#limits.takeRefusedUpgrade(network);
      return error;
    } catch (limited) {
      if (!(limited instanceof RelayError)) throw limited;
      if (this.#barredUntil.size >= mostKept) {
        for (const oldest of this.#barredUntil.keys()) {
          this.#barredUntil.delete(oldest);
          break;
        }
      }
      this.#barredUntil.set(network, this.#clock.now() + (limited.retryAfterMs ?? 0));
      return limited;
    }
  }
}
