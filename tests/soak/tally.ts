import { clientSteps, relaySteps } from './soak-steps.ts';

/** What happened in a run. */
export class Tally {
  readonly faults = new Map<string, number>();
  readonly #expected = new Set<string>();
  readonly #hits = new Map<string, number>();
  /** The steps of the relay that there are. */
  readonly relaySteps: readonly string[];

  constructor(steps: readonly string[] = relaySteps) {
    this.relaySteps = steps;
  }

  /** Kinds of faults that there are. */
  expect(kinds: readonly string[]): void {
    for (const kind of kinds) this.#expected.add(kind);
  }

  /** How many kinds of faults there are, and those of them that never happened. */
  get coverage(): { readonly kinds: number; readonly unmet: readonly string[] } {
    return { kinds: this.#expected.size, unmet: [...this.#expected].filter((kind) => !this.faults.has(kind)) };
  }

  fault(kind: string): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
  }

  /** A process was ended at a step. */
  hit(step: string): void {
    this.#hits.set(step, this.hits(step) + 1);
  }

  hits(step: string): number {
    return this.#hits.get(step) ?? 0;
  }

  /** The steps of both sides that ended no process yet. */
  missing(): readonly string[] {
    return [...clientSteps, ...this.relaySteps].filter((step) => this.hits(step) === 0);
  }
}
