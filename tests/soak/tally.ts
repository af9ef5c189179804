import { clientSteps, relaySteps } from './soak-steps.ts';

/** What happened in a run. */
export class Tally {
  readonly faults = new Map<string, number>();
  readonly #hits = new Map<string, number>();

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
    return [...clientSteps, ...relaySteps].filter((step) => this.hits(step) === 0);
  }
}
