import { Session } from 'node:inspector/promises';

/** A part of a function and how often it was run; parts stand within each other. */
interface CountedRange {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

/** Tells which inputs run code that none before has run: V8's own counts, by block. */
export class CodeCoverage implements AsyncDisposable {
  readonly #session = new Session();
  readonly #seen = new Set<string>();
  /** Where blocks begin, by function: V8 names only those whose count differs from what is around them. */
  readonly #starts = new Map<string, Set<number>>();
  readonly #isOurs: (url: string) => boolean;

  private constructor(isOurs: (url: string) => boolean) {
    this.#isOurs = isOurs;
  }

  /** Begins to count, in what is compiled from now on. Only one at a time in a process. */
  static async start(isOurs: (url: string) => boolean): Promise<CodeCoverage> {
    const coverage = new CodeCoverage(isOurs);
    coverage.#session.connect();
    await coverage.#session.post('Profiler.enable');
    await coverage.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    return coverage;
  }

  /** How many blocks were run at least once. */
  get blocks(): number {
    return this.#seen.size;
  }

  /** The blocks that were run since the last call. */
  async taken(): Promise<ReadonlySet<string>> {
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    const blocks = new Set<string>();
    for (const { url, scriptId, functions } of result) {
      if (!this.#isOurs(url)) continue;
      for (const { ranges } of functions) {
        const name = `${scriptId}:${ranges[0]?.startOffset}`;
        for (const start of this.#startsOf(name, ranges)) {
          if (countAt(ranges, start) > 0) blocks.add(`${name}:${start}`);
        }
      }
    }
    return blocks;
  }

  /** Those of them that were never run before; they count as run from now on. */
  firstSeen(blocks: ReadonlySet<string>): ReadonlySet<string> {
    const fresh = new Set([...blocks].filter((block) => !this.#seen.has(block)));
    for (const block of fresh) this.#seen.add(block);
    return fresh;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }

  #startsOf(name: string, ranges: readonly CountedRange[]): ReadonlySet<number> {
    const starts = this.#starts.get(name) ?? new Set();
    this.#starts.set(name, starts);
    for (const { startOffset } of ranges) starts.add(startOffset);
    return starts;
  }
}

/** Of the ranges around a place the one that begins last is the innermost. */
function countAt(ranges: readonly CountedRange[], place: number): number {
  let innermost: CountedRange | undefined;
  for (const range of ranges) {
    if (range.startOffset > place || range.endOffset <= place) continue;
    if (innermost === undefined || range.startOffset >= innermost.startOffset) innermost = range;
  }
  return innermost?.count ?? 0;
}
