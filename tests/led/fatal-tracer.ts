import { writeSync } from 'node:fs';

/** Which step ends the process, and at which time of reaching it. */
export interface FatalStep {
  readonly step: string;
  /** 1 = the next time. */
  readonly hit: number;
}

/** A tracer that ends its own process by SIGKILL, as a power cut would: no handler runs, nothing is flushed. */
export class FatalTracer {
  #armed: FatalStep | undefined;
  #reached = 0;

  arm(armed: FatalStep): void {
    this.#armed = armed;
    this.#reached = 0;
  }

  reached(step: string): void {
    if (step !== this.#armed?.step || ++this.#reached < this.#armed.hit) return;
    // Synchronous, so that it is written before the end.
    writeSync(1, `${lastWords(this.#armed)}\n`);
    process.kill(process.pid, 'SIGKILL');
  }
}

/** What a process writes when it ends itself there. */
export function lastWords({ step, hit }: FatalStep): string {
  return `killed at ${step} (${hit})`;
}
