import { parseArgs } from 'node:util';
import { nativeLibrary, wasmLibrary } from './libraries.ts';
import { runSchedule } from './schedule.ts';

// Random schedules of the WebAssembly library against the native one: 100 of 10,000 messages, of the seeds from 1 on.
//   npm run wasm-soak [-- --schedules N --messages N --from SEED]
// Each is run native with native, then native with WebAssembly, and in each third one WebAssembly with itself: all have to say the same.

const { values } = parseArgs({
  options: { schedules: { type: 'string' }, messages: { type: 'string' }, from: { type: 'string' } },
});
const schedules = Number(values.schedules ?? 100);
const messages = Number(values.messages ?? 10_000);
const from = Number(values.from ?? 1);

let [deliveries, refused, mismatches] = [0, 0, 0];
for (let seed = from; seed < from + schedules; seed++) {
  const reference = await runSchedule(seed, messages, [nativeLibrary, nativeLibrary]);
  const mixed = seed % 2 === 0 ? ([nativeLibrary, wasmLibrary] as const) : ([wasmLibrary, nativeLibrary] as const);
  const runs = [await runSchedule(seed, messages, mixed)];
  if (seed % 3 === 0) runs.push(await runSchedule(seed, messages, [wasmLibrary, wasmLibrary]));
  deliveries += reference.length;
  refused += reference.filter((line) => !line.includes(' gave ')).length;
  for (const run of runs) {
    const at = reference.findIndex((line, index) => line !== run[index]);
    if (at < 0 && run.length === reference.length) continue;
    mismatches += 1;
    console.log(`seed ${seed}: delivery ${at}: "${reference[at]?.slice(0, 80)}" became "${run[at]?.slice(0, 80)}"`);
  }
  if (seed % 10 === 0) console.log(`wasm-soak: ${seed - from + 1} schedules, ${mismatches} mismatches`);
}
console.log(
  `wasm-soak: ${schedules} schedules of ${messages} messages, ${deliveries} deliveries (${refused} of them refused by both), ${mismatches} mismatches`,
);
process.exitCode = mismatches > 0 ? 1 : 0;
