import { randomBytes } from 'node:crypto';
import { ClusterMail, type ClusterMailParts } from '../src/dispatch/cluster-mail.ts';
import type { StreamEnd } from '../src/dispatch/connected-devices.ts';
import { laneIdOf } from '../src/dispatch/delivery-lane.ts';
import { deviceKeyOf } from '../src/dispatch/device-key.ts';
import { type InboxTerms, inboxTerms } from '../src/dispatch/inbox-state.ts';
import { type PartitionTerms, partitionTerms } from '../src/dispatch/partition-dispatch.ts';
import type { MailCounts } from '../src/metrics/mail-counts.ts';
import { systemRandomness } from '../src/platform/system-randomness.ts';
import type { Clock } from '../src/ports/clock.ts';
import type { DeviceAddress, DeviceKey, LaneId } from '../src/ports/ids.ts';
import type { Timers } from '../src/ports/timers.ts';
import type { MailGround, NodeGround } from './mail-ground.ts';

const cluster = 'test';

/** Far more than the suites have in flight: their time stands, so that nothing would ever make room. For the same reason a spill that was refused is tried again at once. */
const roomyPartition: PartitionTerms = {
  ...partitionTerms,
  lane: { ...partitionTerms.lane, depth: 8_192, handOverMs: 600_000, spillRetryMs: 0 },
  openRecords: 16_384,
};
const roomyInbox: InboxTerms = { ...inboxTerms, window: 8_192 };

/** How a `MailCluster` is to be. */
export interface MailClusterOptions<Ground extends MailGround> {
  readonly ground: Ground;
  readonly clock: Clock;
  /** For how long a node that stops waits for what it has handed out; 5,000 ms by default. */
  readonly drainMs?: number;
  /** Ticks of dispatchers and gateways run by these. */
  readonly timers: Timers;
  readonly partitionTerms?: PartitionTerms;
  readonly inboxTerms?: InboxTerms;
  /** What else its nodes are given. */
  readonly mail?: Pick<ClusterMailParts, 'topicKey' | 'recordBytes' | 'deleteEveryMs'>;
  /** Is told of all nodes. */
  readonly counts?: MailCounts;
}

/** One node of a `MailCluster`. */
export interface MailClusterNode {
  readonly ground: NodeGround;
  readonly parts: ClusterMailParts;
  readonly mail: ClusterMail;
  /** A stream of the device is opened here. */
  claim(device: DeviceAddress): Promise<void>;
  readonly ended: (readonly [DeviceAddress, StreamEnd])[];
}

/** Nodes of one process that share what they stand on, with a look at what became of their mail. */
export class MailCluster<Ground extends MailGround = MailGround> {
  readonly ground: Ground;
  readonly nodes: MailClusterNode[] = [];
  readonly failures: string[] = [];
  readonly #options: MailClusterOptions<Ground>;
  readonly #secret = randomBytes(32);
  /** Records that are neither settled nor in an inbox. */
  readonly #under = new Set<string>();
  readonly #done = new Set<string>();
  readonly #unresolved = new Set<string>();
  #whenNone: (() => void)[] = [];

  constructor(options: MailClusterOptions<Ground>) {
    this.#options = options;
    this.ground = options.ground;
  }

  async start(): Promise<MailClusterNode> {
    const { ground, clock, timers, counts } = this.#options;
    const own = await ground.node();
    const ended: (readonly [DeviceAddress, StreamEnd])[] = [];
    const parts: ClusterMailParts = {
      ...own,
      ...this.#options.mail,
      link: counts?.counted(own.link) ?? own.link,
      clock,
      timers,
      randomness: systemRandomness,
      jitter: () => 0,
      partitionTerms: this.#options.partitionTerms ?? roomyPartition,
      inboxTerms: this.#options.inboxTerms ?? roomyInbox,
      cluster,
      group: ground.group,
      topics: ground.topics,
      secret: this.#secret,
      drainMs: this.#options.drainMs ?? 5_000,
      hint: () => undefined,
      ...(counts && { handedOver: counts.handedOver, read: counts.read }),
      delivered: (device, key, live) => {
        counts?.delivered(device, key, live);
        this.#settled(key.lane, device, key.ko);
      },
      failed: (event, error) => this.failures.push(`${event}: ${error}`),
      appended: ({ topicId, partition, offset }, devices) => {
        const lane = laneIdOf(cluster, topicId, partition);
        for (const device of devices) this.#appended(lane, deviceKeyOf(device), offset);
      },
      resolved: (lane, device, ko, how) => {
        this.#settled(lane, device, ko);
        this.#unresolved.delete(`${lane}/${ko} ${device}`);
        counts?.resolved(lane, device, ko, how);
      },
    };
    const mail = new ClusterMail(parts);
    await mail.start();
    const claim = async (device: DeviceAddress) => {
      await mail.claims.claim(device, (why) => ended.push([device, why]));
    };
    const node = { ground: own, parts, mail, claim, ended };
    this.nodes.push(node);
    return node;
  }

  /** A node is gone without a word. */
  crash(node: MailClusterNode): void {
    this.nodes.splice(this.nodes.indexOf(node), 1);
    node.mail.inboxes.drop();
    node.ground.crash();
  }

  /** A node stops in order; the others go on. */
  async end(node: MailClusterNode): Promise<void> {
    this.nodes.splice(this.nodes.indexOf(node), 1);
    await node.mail.close();
    await node.ground.close();
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
    while (this.#unresolved.size > 0 || !(await this.#isCommitted())) {
      meanwhile();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Ends the nodes; others may be started on the same ground. */
  async stop(): Promise<void> {
    const nodes = this.nodes.splice(0);
    // At once, since each waits for what it has handed to the others, and their time may stand.
    await Promise.all(nodes.map(({ mail }) => mail.close()));
    await Promise.all(nodes.map(({ ground }) => ground.close()));
  }

  async close(): Promise<void> {
    await this.stop();
    await this.ground.close();
  }

  async #isCommitted(): Promise<boolean> {
    const { topics, group } = this.ground;
    const log = this.nodes[0]?.ground.log;
    if (log === undefined) return true;
    for (const topic of [topics.toUser, topics.toGroup]) {
      const committed = await log.committed(group, topic);
      const { partitions } = (await log.describe(topic)) ?? { partitions: [] };
      const isBehind = partitions.some(
        ({ partition, end }) => end !== (committed.find((commit) => commit.partition === partition)?.offset ?? 0),
      );
      if (isBehind) return false;
    }
    return true;
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
