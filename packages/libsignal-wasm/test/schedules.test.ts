import { describe, expect, it } from 'vitest';
import { nativeLibrary, wasmLibrary } from './libraries.ts';
import { runSchedule } from './schedule.ts';

// What the native library says to itself is what both have to say to each other. More and longer ones: npm run wasm-soak.
const schedules = 10;
const messages = 1_000;

describe('random schedules', () => {
  it.each(Array.from({ length: schedules }, (_, at) => at + 1))('of seed %i say the same', async (seed) => {
    const reference = await runSchedule(seed, messages, [nativeLibrary, nativeLibrary]);
    expect(reference.filter((line) => line.includes(' gave ')).length).toBeGreaterThan(messages / 3);
    const sides = seed % 2 === 0 ? ([nativeLibrary, wasmLibrary] as const) : ([wasmLibrary, nativeLibrary] as const);
    expect(await runSchedule(seed, messages, sides)).toEqual(reference);
  });

  it('say the same when both sides are WebAssembly', async () => {
    const reference = await runSchedule(11, messages, [nativeLibrary, nativeLibrary]);
    expect(await runSchedule(11, messages, [wasmLibrary, wasmLibrary])).toEqual(reference);
  });
});
