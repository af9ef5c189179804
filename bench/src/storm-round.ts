import type { LoadAccount } from './load-account.ts';
import { LoadStream, sourceAddress } from './load-stream.ts';
import { drainStream } from './offline-mail.ts';
import { type ProcessUsage, usageOf } from './process-usage.ts';
import { quantile, rounded } from './quantile.ts';
import type { RelayProcess } from './relay-process.ts';

/** Messages that are stored for each device when the storm begins. */
export const mailEach = 2;

/** How a storm went. */
export interface Storm {
  readonly seconds: number;
  readonly halfBackSeconds: number;
  /** Tries that were refused or broken. */
  readonly failures: number;
  /** Of the relays: at its end, and CPU time within it. */
  readonly relayRssMib: number;
  readonly relayCpuSeconds: number;
  readonly loadCpuSeconds: number;
}

/** Cuts the streams of devices, which are with these relays in turns, and lets them come back: each to the next relay. */
export async function cutAndReturn(
  relays: readonly RelayProcess[],
  devices: readonly LoadAccount[],
  streams: readonly LoadStream[],
  delayMs: (failures: number) => number,
): Promise<Storm> {
  const relayBefore = usageOfAll(relays).cpuMs;
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
        const stream = await returned(relayOf(relays, at + 1).url, device, at, () => messages++);
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
  const relayAfter = usageOfAll(relays);
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
export async function openUnacked(url: string, device: LoadAccount, at: number): Promise<LoadStream> {
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

/** With whom a device is. */
export function relayOf(relays: readonly RelayProcess[], at: number): RelayProcess {
  const relay = relays[at % relays.length];
  if (relay === undefined) throw new RangeError('there is no relay');
  return relay;
}

function usageOfAll(relays: readonly RelayProcess[]): ProcessUsage {
  const usages = relays.map(({ pid }) => usageOf(pid));
  return {
    cpuMs: usages.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    rssKib: usages.reduce((sum, { rssKib }) => sum + rssKib, 0),
  };
}
