import { randomBytes } from 'node:crypto';
import { MemoryEngines, type MemoryNodeEngines } from '../src/adapters/memory/memory-engines.ts';
import { memoryStores } from '../src/adapters/memory/memory-stores.ts';
import type { Harness, HarnessMaker } from '../src/conformance/harness.ts';
import { start } from '../src/conformance/samples.ts';
import { settableClock } from '../src/conformance/settable-clock.ts';
import { ClusterMail } from '../src/dispatch/cluster-mail.ts';
import type { StreamEnd } from '../src/dispatch/connected-devices.ts';
import { laneIdOf } from '../src/dispatch/delivery-lane.ts';
import { deviceKeyOf } from '../src/dispatch/device-key.ts';
import { type InboxTerms, inboxTerms } from '../src/dispatch/inbox-state.ts';
import { type PartitionTerms, partitionTerms } from '../src/dispatch/partition-dispatch.ts';
import { systemRandomness } from '../src/platform/system-randomness.ts';
import type { Clock } from '../src/ports/clock.ts';
import type { DeviceIncarnation } from '../src/ports/device-incarnation.ts';
import type { DeviceAddress, DeviceId, DeviceKey, LaneId } from '../src/ports/ids.ts';
import { listedDevice } from '../src/ports/listed-devices.ts';
import type { Mailbox } from '../src/ports/mailbox.ts';
import type { RelayStores } from '../src/ports/relay-stores.ts';
import { ManualTime } from './manual-time.ts';

const cluster = 'test';
const group = 'dispatchers';
const topics = { toUser: 'user2user_message', toGroup: 'group_message', poison: 'poison_message' };

/** Far more than the suites have in flight: their time stands, so that nothing would ever make room. */
const roomyPartition: PartitionTerms = {
  ...partitionTerms,
  lane: { ...partitionTerms.lane, depth: 8_192 },
  openRecords: 16_384,
};
const roomyInbox: InboxTerms = { ...inboxTerms, window: 8_192 };

/** How a `MemoryCluster` is to be. */
export interface MemoryClusterOptions {
  readonly clock: Clock;
  readonly partitions?: number;
  readonly partitionTerms?: PartitionTerms;
  readonly inboxTerms?: InboxTerms;
  /** When it moves, ticks of dispatchers and gateways run. */
  readonly time?: ManualTime;
}

/** One node of a `MemoryCluster`. */
export interface MemoryClusterNode {
  readonly name: string;
  readonly engines: MemoryNodeEngines;
  readonly mail: ClusterMail;
  /** A stream of the device is opened here. */
  claim(device: DeviceAddress): Promise<void>;
  readonly ended: (readonly [DeviceAddress, StreamEnd])[];
}

/** Nodes of one process on the same memory engines. */
export class MemoryCluster {
  readonly engines: MemoryEngines;
  readonly time: ManualTime;
  readonly nodes: MemoryClusterNode[] = [];
  readonly failures: string[] = [];
  readonly #options: MemoryClusterOptions;
  readonly #secret = randomBytes(32);
  /** Records that are neither settled nor in an inbox. */
  readonly #under = new Set<string>();
  readonly #done = new Set<string>();
  readonly #unresolved = new Set<string>();
  #whenNone: (() => void)[] = [];
  #records = 0;
  #started = 0;

  constructor(options: MemoryClusterOptions) {
    this.#options = options;
    this.time = options.time ?? new ManualTime();
    this.engines = new MemoryEngines({
      clock: options.clock,
      timers: this.time,
      // The log has a clock of its own, and no two records the same time.
      logClock: { now: () => start + this.#records++ },
      topics: Object.values(topics),
      ...(options.partitions !== undefined && { partitions: options.partitions }),
    });
  }

  async start(): Promise<MemoryClusterNode> {
    const { clock } = this.#options;
    const name = `node-${++this.#started}:1/start`;
    const engines = this.engines.open();
    const ended: (readonly [DeviceAddress, StreamEnd])[] = [];
    const mail = new ClusterMail({
      ...engines,
      link: this.engines.network.open(name),
      clock,
      timers: this.time,
      randomness: systemRandomness,
      jitter: () => 0,
      partitionTerms: this.#options.partitionTerms ?? roomyPartition,
      inboxTerms: this.#options.inboxTerms ?? roomyInbox,
      cluster,
      group,
      topics,
      secret: this.#secret,
      drainMs: 5_000,
      hint: () => undefined,
      delivered: (device, { lane, ko }) => this.#settled(lane, device, ko),
      failed: (event) => this.failures.push(event),
      appended: ({ topicId, partition, offset }, devices) => {
        const lane = laneIdOf(cluster, topicId, partition);
        for (const device of devices) this.#appended(lane, deviceKeyOf(device), offset);
      },
      resolved: (lane, device, ko) => {
        this.#settled(lane, device, ko);
        this.#unresolved.delete(`${lane}/${ko} ${device}`);
      },
    });
    await mail.start();
    const claim = async (device: DeviceAddress) => {
      await mail.claims.claim(device, (why) => ended.push([device, why]));
    };
    const node = { name, engines, mail, claim, ended };
    this.nodes.push(node);
    return node;
  }

  /** A node is gone without a word. */
  crash(node: MemoryClusterNode): void {
    this.nodes.splice(this.nodes.indexOf(node), 1);
    this.engines.network.crash(node.name);
    node.mail.inboxes.drop();
    node.engines.log.freeze();
  }

  /** What is not resolved comes again, to whoever gets its partition: that is to be waited for too. */
  expectAgain(): void {
    for (const name of this.#unresolved) {
      this.#done.delete(name);
      this.#under.add(name);
    }
  }

  /** Resolves when all that was appended by now is settled or lies in an inbox. */
  async settled(): Promise<void> {
    while (this.#under.size > 0) await new Promise<void>((resolve) => this.#whenNone.push(resolve));
  }

  /** Resolves when everything that was appended is done with for its devices, and committed; `meanwhile` moves the time. */
  async resolved(meanwhile: () => void = () => undefined): Promise<void> {
    const isCommitted = () =>
      [topics.toUser, topics.toGroup].every((topic) => {
        const committed = this.engines.broker.committed(group, topic);
        const { partitions } = this.engines.broker.describe(topic) ?? { partitions: [] };
        return partitions.every(
          ({ partition, end }) => end === (committed.find((commit) => commit.partition === partition)?.offset ?? 0),
        );
      });
    while (this.#unresolved.size > 0 || !isCommitted()) {
      meanwhile();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async close(): Promise<void> {
    const nodes = this.nodes.splice(0);
    // At once, since each waits for what it has handed to the others, and their time stands.
    await Promise.all(nodes.map(({ mail }) => mail.close()));
    await Promise.all(nodes.map(({ engines }) => engines.close()));
  }

  #appended(lane: LaneId, device: DeviceKey, ko: number): void {
    const name = `${lane}/${ko} ${device}`;
    if (this.#done.has(name)) return;
    this.#unresolved.add(name);
    this.#under.add(name);
  }

  #settled(lane: LaneId, device: DeviceKey, ko: number): void {
    const name = `${lane}/${ko} ${device}`;
    this.#done.add(name);
    this.#under.delete(name);
    if (this.#under.size === 0) for (const tell of this.#whenNone.splice(0)) tell();
  }
}

/** How the devices of a harness are connected: not at all, or to the last node. */
export interface ClusterHarnessOptions {
  readonly claimed: boolean;
  /** Appends go to the first, everything else to the last. */
  readonly nodes: number;
}

/** The cluster's mailbox under test, on memory engines. What was appended may be read at once: an append here waits for what comes of it. */
export function clusterHarness({ claimed, nodes }: ClusterHarnessOptions): HarnessMaker<RelayStores> {
  return {
    missing: { files: 'memory has no files' },
    async open(): Promise<Harness<RelayStores>> {
      const clock = settableClock();
      const cluster = new MemoryCluster({ clock });
      const begin = async (): Promise<RelayStores> => {
        for (let node = 0; node < nodes; node++) await cluster.start();
        return { ...memoryStores({ clock, disk: cluster.engines.disk }), mailbox: mailboxOf(cluster, claimed) };
      };
      let stores = await begin();
      return {
        get stores() {
          return stores;
        },
        clock,
        async reopen() {
          await cluster.close();
          cluster.expectAgain();
          stores = await begin();
          await cluster.settled();
        },
        files: () => Promise.reject(new Error('memory has no files')),
        close: () => cluster.close(),
      };
    },
  };
}

function mailboxOf(cluster: MemoryCluster, claimed: boolean): Mailbox {
  const [first, last] = [cluster.nodes[0], cluster.nodes.at(-1)];
  if (first === undefined || last === undefined) throw new Error('a cluster has nodes');
  const { mailbox } = last.mail;
  const connecting = new Map<DeviceKey, Promise<unknown>>();
  const connect = async (address: DeviceAddress) => {
    if (!claimed) return;
    const device: DeviceIncarnation | undefined = listedDevice(
      await cluster.engines.listed.of(address.userId),
      address,
    );
    if (device === undefined) return;
    const key = deviceKeyOf(device);
    if (!connecting.has(key)) connecting.set(key, last.mail.inboxes.open(device));
    await connecting.get(key);
  };
  return {
    async append(append, quota) {
      if (claimed) {
        const devices = append.recipients.flatMap(({ userId, items }) =>
          items.map(({ deviceId }) => ({ userId, deviceId: deviceId as DeviceId })),
        );
        await Promise.all(devices.map(connect));
      }
      const receipt = await first.mail.mailbox.append(append, quota);
      await cluster.settled();
      return receipt;
    },
    recorded: (sender, sendId) => mailbox.recorded(sender, sendId),
    reader(device) {
      const reader = mailbox.reader(device);
      return {
        async next(limit, now) {
          await connect(device);
          return reader.next(limit, now);
        },
      };
    },
    ack: (device, deliveryIds) => mailbox.ack(device, deliveryIds),
    usage: (device) => mailbox.usage(device),
    async expire(now) {
      const expired = await mailbox.expire(now);
      return first === last ? expired : expired + (await first.mail.mailbox.expire(now));
    },
    scrub: () => mailbox.scrub(),
  };
}
