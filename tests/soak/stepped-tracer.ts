import { FatalTracer } from '../led/fatal-tracer.ts';

/** A fatal tracer that can be disarmed. */
export class SteppedTracer extends FatalTracer {
  disarm(): void {
    this.arm({ step: '', hit: 1 });
  }
}
