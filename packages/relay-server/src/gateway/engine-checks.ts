import type { Clock } from '../ports/clock.ts';
import type { EngineCheck } from '../ports/cluster-engines.ts';
import type { Logger } from '../ports/logger.ts';
import type { Timers } from '../ports/timers.ts';
import { RelayError, type RelayErrorCode } from '../relay-error.ts';

/** How long an engine has to answer, and how long its answer holds, in milliseconds. */
const answerMs = 3_000;
const keptMs = 1_000;

/** What `EngineChecks` works with. */
export interface EngineChecksParts {
  readonly checks: readonly EngineCheck[];
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
}

/**
 * Which engines do not answer now.
 *
 * However often it is asked, by whomever: engines are asked once a second at most, all at once, and an engine that still has a question is given no second one.
 */
export class EngineChecks {
  readonly #parts: EngineChecksParts;
  /** Questions without an answer yet. */
  readonly #asked = new Map<EngineCheck, Promise<RelayErrorCode | undefined>>();
  /** As they were told of in the log. */
  readonly #missing = new Set<EngineCheck>();
  #round: Promise<readonly string[]> | undefined;
  #known: { readonly at: number; readonly missing: readonly string[] } | undefined;

  constructor(parts: EngineChecksParts) {
    this.#parts = parts;
  }

  /** The names of those that did not answer in time, or refused this relay, in the order of the checks. Never rejects. */
  missing(): Promise<readonly string[]> {
    const { clock } = this.#parts;
    if (this.#known !== undefined && Math.abs(clock.now() - this.#known.at) < keptMs) {
      return Promise.resolve(this.#known.missing);
    }
    this.#round ??= this.#ask().then((missing) => {
      this.#known = { at: clock.now(), missing };
      this.#round = undefined;
      return missing;
    });
    return this.#round;
  }

  async #ask(): Promise<readonly string[]> {
    const { checks } = this.#parts;
    const refusals = await Promise.all(checks.map((check) => this.#inTime(this.#refusalOf(check))));
    for (const [at, check] of checks.entries()) this.#note(check, refusals[at]);
    return checks.filter((_, at) => refusals[at] !== undefined).map(({ engine }) => engine);
  }

  #refusalOf(check: EngineCheck): Promise<RelayErrorCode | undefined> {
    const before = this.#asked.get(check);
    if (before !== undefined) return before;
    const asked = refusalOf(check).finally(() => this.#asked.delete(check));
    this.#asked.set(check, asked);
    return asked;
  }

  #inTime(work: Promise<RelayErrorCode | undefined>): Promise<RelayErrorCode | undefined> {
    return new Promise((resolve) => {
      const cancel = this.#parts.timers.after(answerMs, () => resolve('store-unavailable'));
      void work.then((refusal) => {
        cancel();
        resolve(refusal);
      });
    });
  }

  #note(check: EngineCheck, code: RelayErrorCode | undefined): void {
    const { logger } = this.#parts;
    const { engine } = check;
    if (code === undefined) {
      if (this.#missing.delete(check)) logger.info('engine.back', { engine });
    } else if (!this.#missing.has(check)) {
      this.#missing.add(check);
      logger.error('engine.missing', { engine, code });
    }
  }
}

/** `undefined`: it answers. */
async function refusalOf(check: EngineCheck): Promise<RelayErrorCode | undefined> {
  try {
    await check.check();
    return undefined;
  } catch (error) {
    return error instanceof RelayError ? error.code : 'internal';
  }
}
