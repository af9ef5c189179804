import type { Harness, HarnessMaker, SettableClock } from '../src/conformance/harness.ts';
import { start } from '../src/conformance/samples.ts';
import { settableClock } from '../src/conformance/settable-clock.ts';
import { ClusterMailbox } from '../src/dispatch/cluster-mailbox.ts';
import { DeliveryIds } from '../src/dispatch/delivery-id.ts';
import { deviceKeyOf } from '../src/dispatch/device-key.ts';
import type { OpenInbox } from '../src/dispatch/open-inbox.ts';
import { SharedReads } from '../src/platform/shared-reads.ts';
import type { DeviceIncarnation } from '../src/ports/device-incarnation.ts';
import type { DeviceAddress, DeviceId, DeviceKey, UserId } from '../src/ports/ids.ts';
import { type ListedDevices, listedDevice } from '../src/ports/listed-devices.ts';
import type { Mailbox } from '../src/ports/mailbox.ts';
import type { RelayStores } from '../src/ports/relay-stores.ts';
import { MailCluster, type MailClusterNode, type MailClusterOptions } from './mail-cluster.ts';
import type { MailCounts } from './mail-ground.ts';
import { ManualTime } from './manual-time.ts';
import { MemoryGround } from './memory-ground.ts';

/** How the devices of a harness are connected: not at all, or to the last node. */
export interface ClusterHarnessOptions {
  readonly claimed: boolean;
  /** Appends go to the first, everything else to the last. */
  readonly nodes: number;
  /** The cluster of each case, which may be that of the case before. Its nodes are started when it has none. */
  readonly cluster: () => Promise<ClusterUnderTest>;
}

/** A cluster, by whose clock all its nodes go. */
export interface ClusterUnderTest {
  readonly cluster: MailCluster;
  readonly clock: SettableClock;
  /** The case is over. */
  release(): Promise<void>;
}

/** A cluster in memory for each case. Its time stands. */
export async function memoryCluster(mail: MailClusterOptions<MemoryGround>['mail'] = {}): Promise<ClusterUnderTest> {
  const clock = settableClock();
  const timers = new ManualTime();
  const cluster = new MailCluster({ ground: new MemoryGround(clock, timers), clock, timers, mail });
  return { cluster, clock, release: () => cluster.close() };
}

/** The cluster's mailbox under test. What was appended may be read at once: an append here waits for what comes of it. */
export function clusterHarness(options: ClusterHarnessOptions): HarnessMaker<RelayStores> {
  const noFiles = 'what a cluster keeps is in memory, or in the files of its engines';
  return {
    missing: { files: noFiles },
    async open(): Promise<Harness<RelayStores>> {
      const { cluster, clock, release } = await options.cluster();
      clock.set(start);
      const counts = await cluster.ground.counts();
      let open = await begin(cluster, counts, options);
      return {
        get stores() {
          return open.stores;
        },
        clock,
        async reopen() {
          await cluster.stop();
          cluster.expectAgain();
          open = await begin(cluster, counts, options);
          await cluster.settled();
        },
        files: () => Promise.reject(new Error(noFiles)),
        async close() {
          await open.disconnect();
          await counts.close();
          await release();
        },
      };
    },
  };
}

async function begin(cluster: MailCluster, counts: MailCounts, { nodes, claimed }: ClusterHarnessOptions) {
  while (cluster.nodes.length < nodes) await cluster.start();
  const [first, last] = [cluster.nodes[0], cluster.nodes.at(-1)];
  if (first === undefined || last === undefined) throw new Error('a cluster has nodes');
  // A case knows nothing of what others have counted, recorded or swept.
  const mailboxFor = ({ parts, mail: { inboxes } }: MailClusterNode) =>
    new ClusterMailbox({
      ...parts,
      ...counts,
      listed: sharedListed(parts.listed),
      inboxes,
      ids: new DeliveryIds(parts.secret, parts.cluster),
    });
  const sending = mailboxFor(first);
  const { listed: each, ...accounts } = cluster.ground.accounts();
  const listed = sharedListed(each);
  const connecting = new Map<DeviceKey, Promise<{ readonly inbox: OpenInbox }>>();
  const connect = async (address: DeviceAddress) => {
    if (!claimed) return;
    const device: DeviceIncarnation | undefined = listedDevice(await listed.of(address.userId), address);
    if (device === undefined) return;
    const key = deviceKeyOf(device);
    if (!connecting.has(key)) connecting.set(key, last.mail.inboxes.open(device));
    await connecting.get(key);
  };
  return {
    stores: { ...accounts, mailbox: mailboxOf(cluster, sending, first === last ? sending : mailboxFor(last), connect) },
    async disconnect() {
      await Promise.all([...connecting.values()].map(async (opened) => (await opened).inbox.close()));
    },
  };
}

function mailboxOf(
  cluster: MailCluster,
  sending: Mailbox,
  mailbox: Mailbox,
  connect: (device: DeviceAddress) => Promise<void>,
): Mailbox {
  /** Appends go on in the order of the calls, though each may have to connect somebody first. */
  let turn: Promise<unknown> = Promise.resolve();
  return {
    async append(append, quota) {
      const devices = append.recipients.flatMap(({ userId, items }) =>
        items.map(({ deviceId }) => ({ userId, deviceId: deviceId as DeviceId })),
      );
      const connected = Promise.all(devices.map(connect));
      const ready = turn.then(() => connected);
      turn = ready.catch(() => undefined);
      await ready;
      const receipt = await sending.append(append, quota);
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
      return (await mailbox.expire(now)) + (await sending.expire(now));
    },
    scrub: () => mailbox.scrub(),
  };
}

/** As a node reads it. */
function sharedListed(each: ListedDevices): ListedDevices {
  const reads = new SharedReads((userId: UserId) => each.of(userId));
  return { of: (userId) => reads.read(userId) };
}
