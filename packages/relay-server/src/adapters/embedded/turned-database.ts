import { RecordingTracer } from '../memory/tracer.ts';
import { RelayDatabase } from './relay-database.ts';
import { StoresFolder } from './stores-folder.ts';

/** A database in a temporary folder that writes when its test ends a turn. */
export class TurnedDatabase implements Disposable {
  readonly tracer = new RecordingTracer();
  readonly database: RelayDatabase;
  readonly #folder = new StoresFolder();
  readonly #turns: (() => void)[] = [];

  constructor() {
    const schedule = (run: () => void) => this.#turns.push(run);
    this.database = new RelayDatabase(this.#folder.file, { tracer: this.tracer, schedule });
  }

  /** How many groups wait for the end of this turn. */
  get waiting(): number {
    return this.#turns.length;
  }

  /** Carries out what waits; what that asks for waits for the next turn. */
  endTurn(): void {
    for (const run of this.#turns.splice(0)) run();
  }

  /** Ends turns until nothing waits. */
  endTurns(): void {
    while (this.waiting > 0) this.endTurn();
  }

  [Symbol.dispose](): void {
    this.database.close();
    this.#folder[Symbol.dispose]();
  }
}
