import { alternate, type Comparison } from './alternation.ts';
import type { Bench, BenchOptions, BenchResult } from './bench.ts';
import { DevicePair } from './device-pair.ts';
import { EchoProcess } from './echo-process.ts';
import { machineFacts } from './machine.ts';
import { pace } from './pace.ts';
import { registerRaw } from './raw-account.ts';
import { RawDevice } from './raw-device.ts';
import { RelayProcess } from './relay-process.ts';
import { TempFolder } from './temp-folder.ts';

const target = 0.2;
const pairCount = 8;
const ciphertextBytes = 512;
/** Sends without a result that a client allows itself in a chat. */
const window = 256;
const defaultMessages = 16_384;

/** A relay on disk, against a bare echo. */
export const relayBench: Bench = {
  name: 'relay',
  summary: 'durable messages/s through a sotto-relay process (socket, fsync, result, Deliver, Ack) over a bare ws echo',
  async run(options: BenchOptions, say: (line: string) => void): Promise<BenchResult> {
    const machine = machineFacts();
    using folder = new TempFolder();
    await using relay = await RelayProcess.start(folder.path, { limits: 'lifted' });
    await using echo = await EchoProcess.start(pairCount);
    const { pairs, close } = await openPairs(relay);
    const perPair = Math.max(1, Math.round((options.messages ?? defaultMessages) / pairCount));
    const bytes = new Uint8Array(pairs[0]?.bytesOfSend ?? 0).fill(1);
    const seconds = options.seconds ?? 24;
    say(`relay: ${pairCount} pairs of devices, ${perPair * pairCount} messages a round, ${bytes.length} bytes a Send`);

    const compareAs = async (packing: 'batched' | 'unbatched', share: number): Promise<Comparison> => {
      for (const pair of pairs) pair.pack(packing);
      return alternate({ rounds: options.rounds, seconds: seconds * share }, async (number) => {
        const count = perPair * pairCount;
        const baseline = (count / (await echo.run(perPair, window, bytes))) * 1_000;
        const began = performance.now();
        await Promise.all(pairs.map((pair) => pair.run(perPair, window)));
        const subject = (count / (performance.now() - began)) * 1_000;
        say(`  ${packing} round ${number}: ${subject.toFixed(0)} messages/s, ${baseline.toFixed(0)} echoes/s`);
        return { subject, baseline };
      });
    };
    const batched = await compareAs('batched', 0.5);
    const unbatched = await compareAs('unbatched', 0.25);
    for (const pair of pairs) pair.pack('batched');
    const pacedCount = Math.min(Math.ceil((batched.value / 2) * seconds * 0.2), (options.messages ?? Infinity) * 4);
    const latency = await pace(pairs, batched.value / 2, pacedCount);
    say(
      `  at ${latency.perSecond} messages/s: p50 ${latency.resultP50Ms} ms, p99 ${latency.resultP99Ms} ms to the result`,
    );
    const fsyncMs = folder.fsyncMs();
    close();
    return {
      name: 'relay',
      value: batched.value,
      unit: 'messages/s',
      baseline: batched.baseline,
      ratio: batched.ratio,
      target,
      rounds: batched.rounds,
      ratioLowest: batched.ratioLowest,
      ratioHighest: batched.ratioHighest,
      pairs: pairCount,
      window,
      messagesPerRound: perPair * pairCount,
      ciphertextBytes,
      bytesOfSend: bytes.length,
      p50Ms: latency.resultP50Ms,
      p99Ms: latency.resultP99Ms,
      atHalfLoad: latency,
      unbatched,
      fsyncMs,
      counted: 'a message counts when its sender has the result and its recipient has sent the Ack',
      store: 'embedded: SQLite file, WAL, synchronous=FULL, group commit',
      machine,
    };
  },
};

async function openPairs(
  relay: RelayProcess,
): Promise<{ readonly pairs: readonly DevicePair[]; readonly close: () => void }> {
  const devices: RawDevice[] = [];
  const open = async (number: string) => {
    const device = await RawDevice.open(relay, await registerRaw(relay, number));
    devices.push(device);
    return device;
  };
  const pairs: DevicePair[] = [];
  for (let at = 0; at < pairCount; at++) {
    const sender = await open(`+1415555${2_000 + at * 2}`);
    pairs.push(new DevicePair(sender, await open(`+1415555${2_001 + at * 2}`), ciphertextBytes));
  }
  return {
    pairs,
    close: () => {
      for (const device of devices) device.close();
    },
  };
}
