import type { Bench, BenchOptions, BenchResult } from './bench.ts';
import { CostMeter } from './cost-meter.ts';
import { inTurns } from './in-turns.ts';
import { machineFacts } from './machine.ts';
import { ejabberd } from './peers/ejabberd.ts';
import type { Messenger, MessengerConnection, MessengerKind } from './peers/messenger.ts';
import { mosquitto } from './peers/mosquitto.ts';
import { type PeerMeasure, peerTable } from './peers/peer-table.ts';
import { sotto } from './peers/sotto.ts';
import { usageOf } from './process-usage.ts';
import { median, rounded } from './quantile.ts';
import { TempFolder } from './temp-folder.ts';

const target = 0.5;
const kinds: readonly MessengerKind[] = [sotto, ejabberd, mosquitto];
const pairCount = 8;
const recipientCount = 64;
const idleCount = 1_000;
/** Users who come and go before memory is measured, and who have the mail; those that are idle come for the first time. */
const firstCount = 100;
/** Of how many idle ones one comes and goes before: what these leave behind is used again, and would hide what few take. */
const idlePerFirst = 10;
const drainsAtOnce = 8;
const messageBytes = 512;
const window = 256;
const defaultMessages = 16_384;

/** Other servers beside ours. */
export const peersBench: Bench = {
  name: 'peers',
  summary: 'the same online and offline messages through Sotto, ejabberd and Mosquitto (Debian packages), as a table',
  async run(options: BenchOptions, say: (line: string) => void): Promise<BenchResult> {
    const machine = machineFacts();
    const found = kinds.filter((kind) => kind.find() !== undefined);
    const missing = kinds.filter((kind) => !found.includes(kind));
    for (const { name, package: debian } of missing) {
      say(`peers: ${name} is not here; on Debian or Ubuntu: apt-get install ${debian} (its service need not run)`);
    }
    const measures: PeerMeasure[] = [];
    for (const kind of found) {
      // Each has its share of the time, so that one that is slow at something takes no time from the others.
      const seconds = (options.seconds ?? 60) / found.length;
      const measure = await measureOne(kind, { ...options, seconds }, say);
      measures.push(measure);
    }
    for (const line of peerTable(measures)) say(line);
    const [ours, ...others] = measures;
    const best = others.length === 0 ? ours : others.reduce((one, other) => (one.online > other.online ? one : other));
    if (ours === undefined || best === undefined) throw new Error('nothing was measured');
    return {
      name: 'peers',
      value: ours.online,
      unit: 'messages/s online',
      baseline: best.online,
      ratio: rounded(ours.online / best.online),
      target,
      rounds: ours.rounds,
      baselineIs: best.name,
      missing: missing.map(({ name }) => name),
      peers: measures,
      pairs: pairCount,
      recipients: recipientCount,
      idleConnections: Math.min(idleCount, options.messages ?? idleCount),
      messageBytes,
      window,
      machine,
    };
  },
};

async function measureOne(
  kind: MessengerKind,
  options: BenchOptions,
  say: (line: string) => void,
): Promise<PeerMeasure> {
  using folder = new TempFolder();
  const idle = Math.min(idleCount, options.messages ?? idleCount);
  await using server = await kind.start(folder.path, idle + firstCount, messageBytes);
  say(`peers: ${server.name} ${server.version}`);
  const idleKib = await idleCost(server, idle);
  const meters = {
    online: new CostMeter({ server: server.pid, load: process.pid }),
    store: new CostMeter({ server: server.pid, load: process.pid }),
    drain: new CostMeter({ server: server.pid, load: process.pid }),
  };
  const speeds: Record<keyof typeof meters, number[]> = { online: [], store: [], drain: [] };
  // Whoever is to be kept mail for has been there once.
  const known = await connectAll(server, 0, pairCount + recipientCount, 'recipient');
  for (const connection of known) connection.close();
  await pause();
  const senders = await connectAll(server, 0, pairCount, 'sender');
  const began = performance.now();
  const more = () =>
    options.rounds === undefined
      ? speeds.online.length < 2 || performance.now() - began < (options.seconds ?? 20) * 1_000
      : speeds.online.length < options.rounds;
  // A server that is slow at storing is given less to store: the speed is the same, the run is not endless.
  let stored = Math.min(2_048, options.messages ?? defaultMessages);
  while (more()) {
    const count = options.messages ?? defaultMessages;
    speeds.online.push(await online(server, senders, count, meters.online));
    const storing = performance.now();
    speeds.store.push(await store(senders, stored, meters.store));
    const storeSeconds = (performance.now() - storing) / 1_000;
    speeds.drain.push(await drain(server, stored, meters.drain));
    stored = Math.round(Math.min(count, Math.max(stored / 2, (stored / storeSeconds) * 2)));
  }
  for (const sender of senders) sender.close();
  const speed = (of: readonly number[]) => rounded(median(of.length > 1 ? of.slice(1) : of));
  const measure: PeerMeasure = {
    name: server.name,
    version: server.version,
    online: speed(speeds.online),
    store: speed(speeds.store),
    drain: speed(speeds.drain),
    idleKib,
    rounds: speeds.online.length,
    cpuUs: {
      online: meters.online.perItem(),
      store: meters.store.perItem(),
      drain: meters.drain.perItem(),
    },
    cores: { online: meters.online.cores(), store: meters.store.cores(), drain: meters.drain.cores() },
    guarantees: server.guarantees,
  };
  say(`  online ${measure.online}/s, store ${measure.store}/s, drain ${measure.drain}/s, idle ${measure.idleKib} KiB`);
  return measure;
}

/** Pairs of connected users, one of which sends to the other. */
async function online(
  server: Messenger,
  senders: readonly MessengerConnection[],
  count: number,
  meter: CostMeter,
): Promise<number> {
  const recipients = await connectAll(server, pairCount, pairCount, 'recipient');
  const each = Math.ceil(count / pairCount);
  const perSecond = await timed(each * pairCount, meter, async () => {
    const sent = senders.map((sender, at) => sender.send([pairCount + at], each, window));
    await Promise.all([...sent, ...recipients.map((recipient) => recipient.receive(each))]);
  });
  for (const recipient of recipients) recipient.close();
  await pause();
  return perSecond;
}

/** Recipients who are not there. */
function store(senders: readonly MessengerConnection[], count: number, meter: CostMeter): Promise<number> {
  return timed(shareOf(count) * recipientCount, meter, async () => {
    const all = Array.from({ length: recipientCount }, (_, at) => pairCount + at);
    const perSender = recipientCount / pairCount;
    await Promise.all(
      senders.map((sender, at) => {
        const mine = all.slice(at * perSender, (at + 1) * perSender);
        return sender.send(mine, shareOf(count) * mine.length, window);
      }),
    );
  });
}

/** They come back. */
async function drain(server: Messenger, count: number, meter: CostMeter): Promise<number> {
  const users = Array.from({ length: recipientCount }, (_, at) => pairCount + at);
  const perSecond = await timed(shareOf(count) * recipientCount, meter, async () => {
    await inTurns(users, drainsAtOnce, async (user) => {
      const connection = await server.connect(user, 'recipient');
      await connection.receive(shareOf(count));
      connection.close();
    });
  });
  await pause();
  return perSecond;
}

/** Every recipient is sent the same number. */
function shareOf(count: number): number {
  return Math.max(1, Math.round(count / recipientCount));
}

async function idleCost(server: Messenger, count: number): Promise<number> {
  const numbers = Array.from({ length: count }, (_, at) => firstCount + at);
  const others = Array.from({ length: Math.min(firstCount, Math.ceil(count / idlePerFirst)) }, (_, at) => at);
  const first = await inTurns(others, 16, (user) => server.connect(user, 'recipient'));
  for (const connection of first) connection.close();
  await pause();
  await pause();
  const before = usageOf(server.pid).rssKib;
  const connections = await inTurns(numbers, 16, (user) => server.connect(user, 'recipient'));
  await pause();
  const kib = rounded((usageOf(server.pid).rssKib - before) / count);
  for (const connection of connections) connection.close();
  await pause();
  return kib;
}

function connectAll(server: Messenger, first: number, count: number, role: 'sender' | 'recipient') {
  return Promise.all(Array.from({ length: count }, (_, at) => server.connect(first + at, role)));
}

async function timed(count: number, meter: CostMeter, work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await meter.during(count, work);
  return (count / (performance.now() - began)) * 1_000;
}

/** A connection that was closed is not gone at once on the other side. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 500));
}
