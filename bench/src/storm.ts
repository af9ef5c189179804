import type { Bench, BenchOptions, BenchResult } from './bench.ts';
import { inTurns } from './in-turns.ts';
import { type LoadAccount, makeAccounts } from './load-account.ts';
import { LoadStream, sourceAddress } from './load-stream.ts';
import { machineFacts } from './machine.ts';
import { drainStream, storeMail } from './offline-mail.ts';
import { usageOf } from './process-usage.ts';
import { quantile, rounded } from './quantile.ts';
import { reconnectDelayMs } from './reconnect-delay.ts';
import { RelayProcess } from './relay-process.ts';
import { TempFolder } from './temp-folder.ts';

const target = 1.1;
const defaultSockets = 10_000;
const mailEach = 2;
const openedAtOnce = 64;
const senderCount = 8;
const shape = { ciphertextBytes: 512, window: 256 };

/** Everybody loses the connection at once and comes back. */
export const stormBench: Bench = {
  name: 'storm',
  summary: 'seconds until 10,000 devices that were cut at once are back and drained, jittered over all at once',
  async run(options: BenchOptions, say: (line: string) => void): Promise<BenchResult> {
    const machine = machineFacts();
    const sockets = options.messages ?? defaultSockets;
    using folder = new TempFolder();
    const accounts = await makeAccounts(folder.path, senderCount + sockets);
    const devices = accounts.slice(senderCount);
    await using relay = await RelayProcess.start(folder.path, { limits: 'lifted' });
    const senders = await Promise.all(
      accounts.slice(0, senderCount).map((account, at) => LoadStream.open(relay.url, account, sourceAddress(at))),
    );
    say(`storm: ${sockets} devices, ${mailEach} messages stored for each`);
    let acked = 0;
    const round = async (delayMs: (failures: number) => number): Promise<Storm> => {
      await storeMail(senders, devices, sockets * mailEach, shape);
      const streams = await inTurns(devices, openedAtOnce, (device, at) => openUnacked(relay.url, device, at));
      const storm = await cutAndReturn(relay, devices, streams, delayMs);
      acked += sockets * mailEach;
      await relay.untilCounted('relay_mailbox_acked_total', acked);
      return storm;
    };
    const atOnce = await round((failures) => (failures === 0 ? 0 : reconnectDelayMs(failures, Math.random())));
    say(`  all at once: ${atOnce.seconds} s, ${atOnce.failures} failures`);
    const jittered = await round((failures) => reconnectDelayMs(failures, Math.random()));
    say(`  jittered: ${jittered.seconds} s, ${jittered.failures} failures`);
    for (const sender of senders) {
      sender.onEnd = () => undefined;
      sender.close();
    }
    return {
      name: 'storm',
      value: jittered.seconds,
      unit: 's',
      baseline: atOnce.seconds,
      ratio: rounded(jittered.seconds / atOnce.seconds),
      target,
      better: 'lower',
      rounds: 1,
      sockets,
      mailEach,
      jittered,
      atOnce,
      counted:
        'from the cut until each device has had QueueEmpty and has acked its mail, which the relay has then deleted, each message once; a device that fails waits longer each time',
      baselineIs: 'the same without a wait before the first try',
      machine,
    };
  },
};

/** How a storm went. */
interface Storm {
  readonly seconds: number;
  readonly halfBackSeconds: number;
  /** Tries that were refused or broken. */
  readonly failures: number;
  /** Of the relay: at its end, and CPU time within it. */
  readonly relayRssMib: number;
  readonly relayCpuSeconds: number;
  readonly loadCpuSeconds: number;
}

async function cutAndReturn(
  relay: RelayProcess,
  devices: readonly LoadAccount[],
  streams: readonly LoadStream[],
  delayMs: (failures: number) => number,
): Promise<Storm> {
  const relayBefore = usageOf(relay.pid).cpuMs;
  const loadBefore = usageOf(process.pid).cpuMs;
  const backAfter: number[] = [];
  let failures = 0;
  let messages = 0;
  const began = performance.now();
  for (const stream of streams) stream.cut();
  const back = await Promise.all(
    devices.map(async (device, at) => {
      for (let failed = 0; ; failed++) {
        await new Promise((resolve) => setTimeout(resolve, delayMs(failed)));
        const stream = await returned(relay.url, device, at, () => messages++);
        if (stream === undefined) {
          failures++;
          continue;
        }
        backAfter.push(performance.now() - began);
        return stream;
      }
    }),
  );
  const seconds = rounded((performance.now() - began) / 1_000);
  const relayAfter = usageOf(relay.pid);
  const expected = devices.length * mailEach;
  // A device that was cut again before it had acked is given the same once more.
  if (messages < expected) throw new Error(`${expected} were stored, ${messages} came`);
  for (const stream of back) stream.cut();
  return {
    seconds,
    halfBackSeconds: rounded(quantile(backAfter, 0.5) / 1_000),
    failures,
    relayRssMib: rounded(relayAfter.rssKib / 1_024),
    relayCpuSeconds: rounded((relayAfter.cpuMs - relayBefore) / 1_000),
    loadCpuSeconds: rounded((usageOf(process.pid).cpuMs - loadBefore) / 1_000),
  };
}

/** Connects and drains; `undefined` when the connection was refused or broke, which is what a storm does. */
async function returned(
  url: string,
  device: LoadAccount,
  at: number,
  note: () => void,
): Promise<LoadStream | undefined> {
  try {
    const stream = await LoadStream.open(url, device, sourceAddress(at));
    await drainStream(stream, note);
    return stream;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return undefined;
  }
}

/** Connects and takes what is stored without an ack: it stays stored. */
async function openUnacked(url: string, device: LoadAccount, at: number): Promise<LoadStream> {
  const stream = await LoadStream.open(url, device, sourceAddress(at));
  await new Promise<void>((resolve, reject) => {
    let delivered = 0;
    stream.onEnd = () => reject(new Error('a connection ended before the storm'));
    stream.onFrames = (frames) => {
      delivered += frames.filter(({ deliver }) => deliver).length;
      if (delivered >= mailEach) resolve();
    };
  });
  stream.onEnd = () => undefined;
  return stream;
}
