import { type FatalStep, FatalTracer } from '../led/fatal-tracer.ts';

/** A tracer that ends its own process at whichever of several steps is reached first. */
export class SteppedTracer {
  #tracers: readonly FatalTracer[] = [];

  /** In place of what was armed before; with an empty list nothing is. */
  arm(steps: readonly FatalStep[]): void {
    this.#tracers = steps.map((step) => {
      const tracer = new FatalTracer();
      tracer.arm(step);
      return tracer;
    });
  }

  reached(step: string): void {
    for (const tracer of this.#tracers) tracer.reached(step);
  }
}
