import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { liveTargets, pureTargets } from './all-targets.ts';
import { CodeCoverage } from './code-coverage.ts';
import { readCorpus } from './corpus.ts';
import { fuzz } from './fuzz.ts';
import type { FuzzTarget } from './fuzz-target.ts';

// A fixed budget from a fixed seed, after everything that did harm once. `npm run fuzz` goes on for as long as one likes.

const seed = 1;
const upTo = (most: number) => (runs: number) => runs < most;

/** Three letters deep: blind chance needs 16 million tries. */
function deepTarget(harm: (input: Uint8Array) => boolean): FuzzTarget {
  return {
    name: 'planted',
    seeds: () => [new Uint8Array([1, 2, 3, 4])],
    generate: (random) => random.bytes(4),
    run(input) {
      if (harm(input)) throw new Error('planted');
    },
  };
}

describe('the fuzzer', () => {
  const isOurs = (url: string) => url.includes('fuzz.test.ts');

  it('finds what hides behind one step after another, led by coverage', async () => {
    await using coverage = await CodeCoverage.start(isOurs);
    const target = deepTarget((input) => {
      if (input[0] !== 0x53) return false;
      if (input[1] !== 0x4f) return false;
      if (input[2] !== 0x21) return false;
      return true;
    });
    const { finding } = await fuzz(target, { seed, goesOn: upTo(200_000), corpus: [], coverage });
    expect(finding?.input.subarray(0, 3)).toEqual(new Uint8Array([0x53, 0x4f, 0x21]));
  });

  it('tells what does harm only the second time', async () => {
    await using coverage = await CodeCoverage.start(isOurs);
    let tries = 0;
    const target = deepTarget(() => {
      tries++;
      // The seed and the first batch are 33: what the batch runs for the first time has its inputs tried again.
      if (tries < 20) return false;
      return tries > 33;
    });
    const { finding, runs } = await fuzz(target, { seed, goesOn: upTo(2), corpus: [], coverage });
    expect(runs).toBe(33);
    expect(finding?.error).toMatchObject({ message: 'planted' });
  });

  it('tries the corpus first, and cuts what it finds down', async () => {
    const target = deepTarget((input) => input.includes(0xee));
    const corpus = [new Uint8Array([1, 2, 3, 0xee, 5, 6, 7])];
    const { finding, runs } = await fuzz(target, { seed, goesOn: upTo(1_000), corpus });
    expect(runs).toBe(2);
    expect(finding?.input).toEqual(corpus[0]);
    const { finding: later } = await fuzz(target, { seed, goesOn: upTo(100_000), corpus: [] });
    expect(later?.input).toEqual(new Uint8Array([0xee]));
  });

  it('tries the same inputs for the same seed', async () => {
    const inputs = async (ofSeed: number) => {
      const seen: string[] = [];
      const target = deepTarget((input) => seen.push(Buffer.from(input).toString('hex')) < 0);
      await fuzz(target, { seed: ofSeed, goesOn: upTo(300), corpus: [] });
      return seen;
    };
    expect(await inputs(5)).toEqual(await inputs(5));
    expect(await inputs(5)).not.toEqual(await inputs(6));
  });

  it('tells what showed only at the end', async () => {
    const target = { ...deepTarget(() => false), settle: () => Promise.reject(new Error('gone')) };
    const { finding } = await fuzz(target, { seed, goesOn: upTo(64), corpus: [] });
    expect(finding?.error).toMatchObject({ message: 'gone' });
  });
});

describe('parsers', () => {
  it.each(pureTargets().map((target) => [target.name, target] as const))(
    '%s: a fixed budget finds nothing',
    async (name, target) => {
      const isSlow = ['recovery-key', 'phone-number', 'relay-url', 'config-environment'].includes(name);
      const report = await fuzz(target, { seed, goesOn: upTo(isSlow ? 300 : 3_000), corpus: readCorpus(name) });
      expect(report.finding).toBeUndefined();
    },
  );
});

describe('programs', () => {
  let live: Awaited<ReturnType<typeof liveTargets>>;
  beforeAll(async () => {
    live = await liveTargets();
  });
  afterAll(async () => {
    for (const target of live.targets) await target[Symbol.asyncDispose]?.();
    await live.relay[Symbol.asyncDispose]();
  });

  it.each([
    ['stream', 1_500],
    ['http', 800],
    ['client', 800],
  ])('%s: a fixed budget finds nothing [security: poison]', async (name, budget) => {
    const target = live.targets.find((one) => one.name === name);
    if (target === undefined) throw new Error(`there is no target ${name}`);
    const known = live.relay.known;
    const report = await fuzz(target, { seed, goesOn: upTo(budget), corpus: readCorpus(name), known });
    expect(report.finding).toBeUndefined();
  });
});
