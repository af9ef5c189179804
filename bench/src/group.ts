import type { UserId } from '@sotto/sdk';
import { alternate, type Comparison } from './alternation.ts';
import type { Bench, BenchOptions, BenchResult } from './bench.ts';
import { Conversation } from './conversation.ts';
import { CostMeter } from './cost-meter.ts';
import { fanOut, makeLoadGroup } from './group-fan-out.ts';
import { inTurns } from './in-turns.ts';
import { makeAccounts } from './load-account.ts';
import { LoadStream, sourceAddress } from './load-stream.ts';
import { machineFacts } from './machine.ts';
import { median, rounded } from './quantile.ts';
import { RelayProcess } from './relay-process.ts';
import { sampleText } from './sample-text.ts';
import { Stopwatch, speeds } from './stopwatch.ts';
import { TempFolder } from './temp-folder.ts';
import { collectYoungGarbage } from './young-garbage.ts';

const target = 20;
const members = 30;
const largest = 1_023;
const openedAtOnce = 64;
const defaultMessages = 512;
const ciphertextBytes = 512;

/** One send to a group against one to each of its members; what the relay makes of it; and what it costs to take somebody out of the largest group. */
export const groupBench: Bench = {
  name: 'group',
  summary: 'sends/s to a group of 30 over 30 single sends each; deliveries/s of the relay; a re-key of 1,024 members',
  async run(options: BenchOptions, say: (line: string) => void): Promise<BenchResult> {
    const machine = machineFacts();
    const seconds = options.seconds ?? 24;
    const messages = Math.max(members, options.messages ?? defaultMessages);
    const gain = await compareSends({ ...options, seconds: seconds * 0.5 }, messages, say);
    const large = options.messages === undefined ? largest : Math.min(largest, options.messages);
    const small = await relayFanOut(members + 1, 64, messages * 2, options, seconds * 0.15, say);
    const wide = await relayFanOut(large + 1, 4, Math.max(1, Math.round(messages / 16)), options, seconds * 0.15, say);
    const rekey = await rekeyOf(large, say);
    return {
      name: 'group',
      unit: 'sends/s',
      target,
      ...gain,
      members,
      messagesPerRound: messages,
      fanOut: { [members]: small, [large]: wide },
      rekey,
      baselineIs: `what the same client sends to ${members} people one by one, over ${members}; both name their sender`,
      machine,
    };
  },
};

/** The client in this process, with the relay's side of the wire beside it. */
async function compareSends(
  options: BenchOptions & { readonly seconds: number },
  messages: number,
  say: (line: string) => void,
): Promise<Comparison & { readonly fsyncMs: number }> {
  using folder = new TempFolder();
  await using conversation = await Conversation.begin(folder.path, members, sampleText(0));
  const { relay, chats } = conversation;
  const group = await conversation.makeGroup('bench');
  await group.send(sampleText(0));
  await conversation.quiet();
  await conversation.openLast();
  const handOver = async (send: (number: number) => Promise<unknown> | undefined) => {
    const allHanded = relay.untilSent(relay.sent + messages);
    collectYoungGarbage();
    const watch = new Stopwatch();
    const queued = Array.from({ length: messages }, (_, number) => send(number));
    await allHanded;
    collectYoungGarbage();
    const lap = watch.lap();
    await Promise.all(queued);
    await conversation.quiet();
    relay.takeMail();
    return speeds(messages, [lap]);
  };
  const comparison = await alternate(options, async (number) => {
    const single = await handOver((at) => chats[at % chats.length]?.send(sampleText(at)));
    const subject = await handOver((at) => group.send(sampleText(at)));
    await conversation.answer(sampleText(number));
    say(`  round ${number}: ${subject.wall.toFixed(0)} to the group/s, ${single.wall.toFixed(0)} to one/s`);
    const cpu = { subject: subject.cpu, baseline: single.cpu / members };
    return { subject: subject.wall, baseline: single.wall / members, cpu };
  });
  return { ...comparison, fsyncMs: folder.fsyncMs() };
}

/** A relay on its own, a raw sender, and members who are online and ack. */
async function relayFanOut(
  people: number,
  window: number,
  count: number,
  options: BenchOptions,
  seconds: number,
  say: (line: string) => void,
) {
  using folder = new TempFolder();
  const accounts = await makeAccounts(folder.path, people);
  await using relay = await RelayProcess.start(folder.path, { limits: 'lifted' });
  const groupId = await makeLoadGroup(relay.url, accounts);
  const streams = await inTurns(accounts, openedAtOnce, (account, at) =>
    LoadStream.open(relay.url, account, sourceAddress(at)),
  );
  const costs = new CostMeter({ relay: relay.pid, load: process.pid });
  const deliveries = count * (people - 1);
  const rates: number[] = [];
  const rounds = options.rounds ?? 8;
  const began = performance.now();
  for (let round = 0; round < rounds && (round < 2 || performance.now() - began < seconds * 1_000); round++) {
    const from = performance.now();
    await costs.during(deliveries, () => fanOut({ groupId, accounts, streams }, count, ciphertextBytes, window));
    rates.push((deliveries / (performance.now() - from)) * 1_000);
    say(`  ${people} members: ${rates.at(-1)?.toFixed(0)} deliveries/s`);
  }
  for (const stream of streams) {
    stream.onEnd = () => undefined;
    stream.close();
  }
  return { deliveriesPerSecond: rounded(median(rates.slice(1))), cpuUs: costs.perItem() };
}

/** Takes somebody out of a large group and writes to it: a new state key and a new chain for everybody else. */
async function rekeyOf(people: number, say: (line: string) => void) {
  using folder = new TempFolder();
  await using conversation = await Conversation.begin(folder.path, people, sampleText(0));
  const group = await conversation.makeGroup('large');
  await group.send(sampleText(0));
  await conversation.quiet();
  conversation.relay.takeMail();
  const before = conversation.relay.sent;
  const [first, ...others] = conversation.peers;
  if (first === undefined || others.length === 0) throw new Error('nobody stays');
  const watch = new Stopwatch();
  await group.remove([first.keys.userId as UserId]);
  await group.setTitle('anew');
  await group.send(sampleText(1));
  await conversation.quiet();
  const { ms, cpuMs } = watch.lap();
  const mail = conversation.relay.takeMail();
  const bytes = mail.reduce((sum, { sealed }) => sum + sealed.ciphertext.length, 0);
  const sends = conversation.relay.sent - before;
  say(`  re-key of ${people}: ${(ms / 1_000).toFixed(1)} s, ${sends} sends, ${(bytes / 1_024).toFixed(0)} KiB`);
  return {
    members: people + 1,
    seconds: rounded(ms / 1_000),
    cpuSeconds: rounded(cpuMs / 1_000),
    sends,
    kib: rounded(bytes / 1_024),
    is: 'a removal, the next change under a new state key, and a message under a new chain, until all has its result',
  };
}
