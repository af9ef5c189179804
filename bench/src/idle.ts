import { once } from 'node:events';
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import type { Bench, BenchOptions, BenchResult } from './bench.ts';
import { EchoProcess } from './echo-process.ts';
import { inTurns } from './in-turns.ts';
import { makeAccounts } from './load-account.ts';
import { LoadStream, sourceAddress } from './load-stream.ts';
import { machineFacts } from './machine.ts';
import { usageOf } from './process-usage.ts';
import { rounded } from './quantile.ts';
import { RelayProcess } from './relay-process.ts';
import { TempFolder } from './temp-folder.ts';

const target = 3;
const defaultConnections = 5_000;
const openedAtOnce = 64;
/** Connections that come and go before anything is measured: what a process allocates for its first ones it keeps. */
const warmUp = 500;

/** What a connection costs that does nothing. */
export const idleBench: Bench = {
  name: 'idle',
  summary: 'KiB of resident memory an idle authenticated connection, over those of a bare ws server (less is better)',
  async run(options: BenchOptions, say: (line: string) => void): Promise<BenchResult> {
    const machine = machineFacts();
    const connections = options.messages ?? defaultConnections;
    const settleMs = rounded(Math.min(4_000, ((options.seconds ?? 20) / 6) * 1_000));
    using folder = new TempFolder();
    const accounts = await makeAccounts(folder.path, connections);
    await using relay = await RelayProcess.start(folder.path, { limits: 'lifted' });
    say(`idle: ${connections} authenticated connections, then as many to a bare ws server`);
    const subject = await grow(relay.pid, connections, settleMs, async (at) => {
      const account = accounts[at];
      if (account === undefined) throw new RangeError('more connections than accounts');
      return openIdle(relay.url, account, sourceAddress(at));
    });
    say(`  relay: ${subject.perConnectionKib} KiB a connection, ${subject.allKib} KiB in all`);
    await using echo = await EchoProcess.start(0);
    const baseline = await grow(echo.pid, connections, settleMs, (at) => openBare(echo.port, sourceAddress(at)));
    say(`  bare ws: ${baseline.perConnectionKib} KiB a connection`);
    return {
      name: 'idle',
      value: subject.perConnectionKib,
      unit: 'KiB/connection',
      baseline: baseline.perConnectionKib,
      ratio: rounded(subject.perConnectionKib / baseline.perConnectionKib),
      target,
      better: 'lower',
      rounds: 1,
      connections,
      relay: subject,
      bare: baseline,
      settleMs,
      counted:
        'resident memory of the process with all connections open and idle, less what it held before, after a first lot had come and gone; over the connections. Buffers of the kernel are not in it',
      machine,
    };
  },
};

interface Growth {
  readonly beforeKib: number;
  readonly allKib: number;
  readonly perConnectionKib: number;
  readonly openedPerSecond: number;
}

/** Resident memory before and with so many connections; closes them. */
async function grow(
  pid: number,
  connections: number,
  settleMs: number,
  open: (at: number) => Promise<() => void>,
): Promise<Growth> {
  const settled = () => new Promise((resolve) => setTimeout(resolve, settleMs));
  const numbers = Array.from({ length: connections }, (_, at) => at);
  const first = await inTurns(numbers.slice(0, warmUp), openedAtOnce, open);
  for (const close of first) close();
  await settled();
  const beforeKib = usageOf(pid).rssKib;
  const began = performance.now();
  const closes = await inTurns(numbers, openedAtOnce, open);
  const seconds = (performance.now() - began) / 1_000;
  await settled();
  const allKib = usageOf(pid).rssKib;
  for (const close of closes) close();
  return {
    beforeKib,
    allKib,
    perConnectionKib: rounded((allKib - beforeKib) / connections),
    openedPerSecond: rounded(connections / seconds),
  };
}

/** Open and idle: the relay has said that there is no mail. */
async function openIdle(url: string, account: Parameters<typeof LoadStream.open>[1], from: string) {
  const stream = await LoadStream.open(url, account, from);
  await new Promise<void>((resolve, reject) => {
    stream.onEnd = () => reject(new Error('a connection ended at once'));
    stream.onFrames = (frames) => {
      if (frames.some(({ queueEmpty }) => queueEmpty)) resolve();
    };
  });
  stream.onEnd = () => undefined;
  return () => stream.cut();
}

async function openBare(port: number, from: string): Promise<() => void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, {
    perMessageDeflate: false,
    createConnection: () => connect({ host: '127.0.0.1', port, localAddress: from, noDelay: true }),
  });
  await once(socket, 'open');
  return () => socket.terminate();
}
