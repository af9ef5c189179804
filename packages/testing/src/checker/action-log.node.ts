import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import type { Action } from './action.ts';

/** CLOCK_MONOTONIC in nanoseconds: never set back, and the same for all processes since the machine was started. */
export function monotonicNow(): bigint {
  return process.hrtime.bigint();
}

type WithoutTime<Kind> = Kind extends Action ? Omit<Kind, 'at'> : never;

/** An action that the log gives its time. */
export type NewAction = WithoutTime<Action>;

/**
 * Where a process writes down what it does, so that it survives its SIGKILL: each action is with the operating system when `write` returns. It does not survive a power cut.
 *
 * Give each life of a process a file of its own, on a disk that the test does not fill.
 */
export class ActionLog {
  readonly #file: number;
  readonly #now: () => bigint;

  /** @param path a file that is made, or gone on with */
  constructor(path: string, now: () => bigint = monotonicNow) {
    this.#file = openSync(path, 'a');
    this.#now = now;
  }

  /** @throws {Error} when the line could not be written whole: then nothing after it can be trusted */
  write(action: NewAction): void {
    // A process that was killed in the middle of a line leaves it without its end: each begins anew.
    const line = Buffer.from(`\n${JSON.stringify({ at: String(this.#now()), ...action })};`);
    if (writeSync(this.#file, line) !== line.length) {
      throw new Error('the action log could not be written: put it on a disk with room');
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}

const chunkBytes = 1 << 20;

/**
 * What processes wrote into a log, in its order. The line in which one was killed is left out: it had told nobody.
 * @throws {SyntaxError} when the file is no action log
 */
export function readActionLog(path: string): readonly Action[] {
  const actions: Action[] = [];
  for (const line of linesOf(path)) {
    if (!line.endsWith(';')) continue;
    const { at, ...rest } = JSON.parse(line.slice(0, -1));
    actions.push({ at: BigInt(at), ...rest } as Action);
  }
  return actions;
}

function* linesOf(path: string): Generator<string> {
  const file = openSync(path, 'r');
  try {
    const chunk = Buffer.alloc(chunkBytes);
    let rest = Buffer.alloc(0);
    for (;;) {
      const read = readSync(file, chunk);
      if (read === 0) break;
      const bytes = Buffer.concat([rest, chunk.subarray(0, read)]);
      const end = bytes.lastIndexOf(0x0a);
      if (end >= 0) yield* bytes.subarray(0, end).toString().split('\n');
      rest = Buffer.from(bytes.subarray(end + 1));
    }
    yield rest.toString();
  } finally {
    closeSync(file);
  }
}
