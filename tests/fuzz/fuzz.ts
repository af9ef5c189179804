import type { CodeCoverage } from './code-coverage.ts';
import { FuzzRandom } from './fuzz-random.ts';
import type { FuzzFinding, FuzzTarget } from './fuzz-target.ts';
import { mutate } from './mutate.ts';

/** How long, and from where. */
export interface FuzzOptions {
  readonly seed: number;
  /** Asked before each batch of inputs, with how many there were. */
  readonly goesOn: (runs: number) => boolean;
  /** Inputs of earlier runs: all are tried first. */
  readonly corpus: readonly Uint8Array[];
  /** Without it every tenth input is kept to mutate, new code or not. */
  readonly coverage?: CodeCoverage;
  readonly known?: readonly Uint8Array[];
}

/** What came of it. */
export interface FuzzReport {
  readonly runs: number;
  /** Inputs that ran code which none before had run. */
  readonly fresh: readonly Uint8Array[];
  readonly finding: FuzzFinding | undefined;
}

const batchSize = 32;
const largestPool = 2_000;

/**
 * Tries inputs on one target: the corpus, then one half by its grammar and one half by blind mutation of what led somewhere. Ends at the first finding, cut down to what is needed.
 *
 * The same seed tries the same inputs, as long as the code under test and the corpus are the same.
 */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzReport> {
  const { coverage, corpus, goesOn } = options;
  const random = new FuzzRandom(target.name, options.seed, options.known);
  const pool = [...target.seeds(), ...corpus];
  const fresh: Uint8Array[] = [];
  let runs = 0;
  const report = (finding?: FuzzFinding): FuzzReport => ({ runs, fresh, finding });

  for (const input of pool) {
    runs++;
    const error = await errorOf(target, input);
    if (error !== undefined) return report({ target: target.name, input, error });
  }
  coverage?.firstSeen(await coverage.taken());
  while (goesOn(runs)) {
    const batch = Array.from({ length: batchSize }, () => nextInput(target, random, pool));
    for (const input of batch) {
      runs++;
      const error = await errorOf(target, input);
      if (error !== undefined) return report(await smallest(target, input, error));
    }
    const led = coverage === undefined ? undefined : await leadingOn(target, batch, coverage);
    if (led?.harm !== undefined) return report(await smallest(target, led.harm.input, led.harm.error));
    if (led !== undefined) fresh.push(...led.kept);
    pool.push(...(led?.kept ?? batch.slice(0, 3)));
    if (pool.length > largestPool) pool.splice(0, pool.length - largestPool);
  }
  try {
    await target.settle?.();
  } catch (error) {
    return report({ target: target.name, input: new Uint8Array(), error });
  }
  return report();
}

function nextInput(target: FuzzTarget, random: FuzzRandom, pool: readonly Uint8Array[]): Uint8Array {
  if (pool.length === 0 || random.once(2)) return target.generate(random);
  return mutate(random.pick(pool), random, pool);
}

/** What a second try of a batch showed. */
interface Led {
  readonly kept: readonly Uint8Array[];
  /** What did no harm the first time, and does the second. */
  readonly harm: { readonly input: Uint8Array; readonly error: unknown } | undefined;
}

/** A whole batch mostly leads nowhere new: only if it does, its inputs are tried again one by one. */
async function leadingOn(target: FuzzTarget, batch: readonly Uint8Array[], coverage: CodeCoverage): Promise<Led> {
  const missing = new Set(coverage.firstSeen(await coverage.taken()));
  const kept: Uint8Array[] = [];
  for (const input of batch) {
    if (missing.size === 0) break;
    const error = await errorOf(target, input);
    if (error !== undefined) return { kept, harm: { input, error } };
    const found = [...(await coverage.taken())].filter((block) => missing.delete(block));
    if (found.length > 0) kept.push(input);
  }
  return { kept, harm: undefined };
}

async function errorOf(target: FuzzTarget, input: Uint8Array): Promise<unknown> {
  try {
    await target.run(input);
    return undefined;
  } catch (error) {
    return error ?? new Error('it threw nothing');
  }
}

/** Takes away what is not needed for the harm, for some hundred tries. */
async function smallest(target: FuzzTarget, found: Uint8Array, firstError: unknown): Promise<FuzzFinding> {
  let input = found;
  let error = firstError;
  let part = Math.ceil(input.length / 2);
  for (let tries = 0; part >= 1 && tries < 300; ) {
    let isCut = false;
    for (let at = 0; at < input.length && tries < 300; at += part) {
      tries++;
      const shorter = new Uint8Array(Buffer.concat([input.subarray(0, at), input.subarray(at + part)]));
      const again = await errorOf(target, shorter);
      if (again === undefined) continue;
      input = shorter;
      error = again;
      isCut = true;
      break;
    }
    if (!isCut) part = part === 1 ? 0 : Math.ceil(part / 2);
  }
  return { target: target.name, input, error };
}
