import type { RelayStep, Tracer } from '../../ports/tracer.ts';

/** A tracer that nobody listens to. */
export const silentTracer: Tracer = { reached: () => undefined };

/** A tracer that remembers the steps in order. */
export class RecordingTracer implements Tracer {
  readonly steps: RelayStep[] = [];

  reached(step: RelayStep): void {
    this.steps.push(step);
  }
}
