import { hasEngines } from '../../packages/relay-server/test/engines.ts';
import { alternate, type Comparison } from './alternation.ts';
import { BareKafka } from './bare-kafka.ts';
import type { Bench, BenchOptions, BenchResult } from './bench.ts';
import { ClusterSite } from './cluster-site.ts';
import { DevicePair } from './device-pair.ts';
import { machineFacts } from './machine.ts';
import { drainSpilled, mailboxCosts, stormOver } from './many-mailboxes.ts';
import { type Latency, pace } from './pace.ts';
import { rounded } from './quantile.ts';
import { registerRaw } from './raw-account.ts';
import { RawDevice } from './raw-device.ts';
import { RelayProcess } from './relay-process.ts';
import { TempFolder } from './temp-folder.ts';

const target = 0.3;
const pairCount = 8;
const ciphertextBytes = 512;
/** Sends without a result that a client allows itself in a chat. */
const window = 256;
const defaultMessages = 8_192;
const defaultMailboxes = 10_000;
/** Where mail waits: what goes to devices that are online may write to none of them. */
const mailTables = ['pending', 'pending_days', 'cursors'];

/** A relay of one node and of two, on Kafka, Cassandra, Redis and S3. */
export const clusterBench: Bench = {
  name: 'cluster',
  summary: 'durable messages/s through two relay nodes on real engines over a bare Kafka produce and consume',
  missing: () => (hasEngines() ? undefined : 'it needs real engines: `npm run engines -- up` brings them up'),
  async run(options: BenchOptions, say: (line: string) => void): Promise<BenchResult> {
    const machine = machineFacts();
    const messages = options.messages ?? defaultMessages;
    const seconds = options.seconds ?? 60;
    const mailboxes = Math.min(defaultMailboxes, options.messages ?? defaultMailboxes);
    await using site = await ClusterSite.make();
    using folder = new TempFolder();
    await using embedded = await RelayProcess.start(folder.path, { limits: 'lifted' });
    const first = await site.start();
    const embeddedPairs = await openPairs([embedded]);
    const { bytesOfSend } = embeddedPairs.list[0] ?? {};
    if (bytesOfSend === undefined) throw new Error('there are no pairs');
    await using bare = await BareKafka.open(site.engines.kafka.brokers, await site.makeTopic('bare'), bytesOfSend);
    say(`cluster: ${pairCount} pairs of devices, ${messages} messages a round, ${bytesOfSend} bytes a Send`);

    const measure = async (name: string, { list }: Pairs, share: number): Promise<Comparison> => {
      const perPair = Math.max(1, Math.round(messages / list.length));
      const count = perPair * list.length;
      return alternate({ rounds: options.rounds, seconds: seconds * share }, async (number) => {
        const baseline = await bare.run(count);
        const began = performance.now();
        await Promise.all(list.map((pair) => pair.run(perPair, window)));
        const subject = (count * 1_000) / (performance.now() - began);
        say(`  ${name}, round ${number}: ${subject.toFixed(0)} messages/s, ${baseline.toFixed(0)} bare records/s`);
        return { subject, baseline };
      });
    };
    const paced = async (name: string, { list }: Pairs, perSecond: number): Promise<Latency> => {
      const count = Math.min(Math.ceil((perSecond / 2) * seconds * 0.1), messages * 4);
      const latency = await pace(list, perSecond / 2, count);
      say(`  ${name}: p50 ${latency.deliveredP50Ms} ms, p99 ${latency.deliveredP99Ms} ms at ${latency.perSecond}/s`);
      return latency;
    };
    const ofEmbedded = await measure('embedded', embeddedPairs, 0.15);
    const embeddedLatency = await paced('embedded', embeddedPairs, ofEmbedded.value);
    embeddedPairs.close();

    const pairsAtOne = await openPairs([first]);
    const before = await site.cassandraWrites(mailTables);
    const ofOne = await measure('one node', pairsAtOne, 0.2);
    const oneLatency = await paced('one node', pairsAtOne, ofOne.value);
    pairsAtOne.close();

    const second = await site.start();
    const nodes = [first, second];
    const pairsAtTwo = await openPairs(nodes);
    const ofTwo = await measure('two nodes', pairsAtTwo, 0.25);
    const twoLatency = await paced('two nodes', pairsAtTwo, ofTwo.value);
    const cassandraWritesForOnline = (await site.cassandraWrites(mailTables)) - before;
    say(`  ${cassandraWritesForOnline} writes of mail to Cassandra`);

    const accounts = await site.accounts(mailboxes);
    const spilled = await drainSpilled(nodes, accounts, messages);
    say(`  spilled: ${spilled.storesPerSecond} stores/s, ${spilled.drainsPerSecond} drained/s`);
    const costs = await mailboxCosts(nodes, accounts, pairsAtTwo.list, messages);
    for (const { mailboxes, cpuUs } of costs) say(`  ${mailboxes} mailboxes with mail: ${cpuUs} us a message online`);
    const storm = await stormOver(nodes, accounts);
    say(`  storm of ${accounts.length}: ${storm.seconds} s, ${storm.failures} failures`);
    pairsAtTwo.close();
    const [few, many] = [costs[0]?.cpuUs, costs.at(-1)?.cpuUs];
    return {
      name: 'cluster',
      value: ofTwo.value,
      unit: 'messages/s',
      baseline: ofTwo.baseline,
      ratio: ofTwo.ratio,
      target,
      rounds: ofTwo.rounds,
      ratioLowest: ofTwo.ratioLowest,
      ratioHighest: ofTwo.ratioHighest,
      twoNodes: { ...ofTwo, latency: twoLatency },
      oneNode: { ...ofOne, latency: oneLatency },
      embedded: { ...ofEmbedded, latency: embeddedLatency },
      twoOverEmbedded: rounded(ofTwo.value / ofEmbedded.value),
      cassandraWritesForOnline,
      spilled,
      costs,
      costRatio: few === undefined || many === undefined ? undefined : rounded(many / few),
      storm: { devices: accounts.length, ...storm },
      pairs: pairCount,
      window,
      messagesPerRound: messages,
      ciphertextBytes,
      bytesOfSend,
      engines: 'one Kafka broker, one Cassandra node, Redis and an S3 server on this machine',
      counted: 'a message counts when its sender has the result and its recipient has sent the Ack',
      baselineIs:
        'records of the bytes of a Send, 256 a request, acks of all in sync, consumed while they are produced',
      machine,
    };
  },
};

interface Pairs {
  readonly list: readonly DevicePair[];
  readonly close: () => void;
}

/** Pairs of devices: who sends is with one node, who receives with the next. */
async function openPairs(relays: readonly RelayProcess[]): Promise<Pairs> {
  const devices: RawDevice[] = [];
  const open = async (at: number) => {
    const relay = relays[at % relays.length];
    if (relay === undefined) throw new RangeError('there is no relay');
    const device = await RawDevice.open(relay, await registerRaw(relay, nextNumber()));
    devices.push(device);
    return device;
  };
  const list: DevicePair[] = [];
  for (let at = 0; at < pairCount; at++) list.push(new DevicePair(await open(at), await open(at + 1), ciphertextBytes));
  return {
    list,
    close: () => {
      for (const device of devices) device.close();
    },
  };
}

let numbers = 2_000;

function nextNumber(): string {
  return `+1415555${numbers++}`;
}
