import { describe, expect, it } from 'vitest';
import { mail, roomy } from '../src/conformance/mail-samples.ts';
import { someDevice } from '../src/conformance/samples.ts';
import { settableClock } from '../src/conformance/settable-clock.ts';
import { inboxTerms } from '../src/dispatch/inbox-state.ts';
import { partitionTerms } from '../src/dispatch/partition-dispatch.ts';
import type { DeviceAddress } from '../src/ports/ids.ts';
import type { MailEntry } from '../src/ports/mailbox.ts';
import { RelayError } from '../src/relay-error.ts';
import { MailCluster, type MailClusterNode, type MailClusterOptions } from './mail-cluster.ts';
import { ManualTime } from './manual-time.ts';
import { MemoryGround } from './memory-ground.ts';

const relayTerms = { partitionTerms, inboxTerms };

/** A cluster in which all mail to users goes through one partition. Its nodes' clock stands; their timers run when a test says so. */
function clusterOfOnePartition(terms: Pick<MailClusterOptions<MemoryGround>, 'partitionTerms' | 'inboxTerms'>) {
  const clock = settableClock();
  const timers = new ManualTime();
  const ground = new MemoryGround(clock, timers, 1);
  const cluster = new MailCluster({ ground, clock, timers, ...terms });
  /** Timers run until it has come to its end. */
  const until = async (work: Promise<unknown>) => {
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    work.then(over, over);
    for (let rounds = 0; !isOver && rounds < 100; rounds++) {
      timers.advance(100);
      await turn();
    }
    await work;
  };
  const read = async (node: MailClusterNode, device: DeviceAddress) =>
    node.mail.mailbox.reader(device).next(100, clock.now());
  return { cluster, ground, timers, until, read };
}

async function ackAll({ mail: { mailbox } }: MailClusterNode, device: DeviceAddress, entries: readonly MailEntry[]) {
  return mailbox.ack(
    device,
    entries.map(({ deliveryId }) => deliveryId),
  );
}

async function append(node: MailClusterNode, to: DeviceAddress, ...bytes: readonly number[]): Promise<void> {
  for (const byte of bytes) await node.mail.mailbox.append(mail(to, Uint8Array.of(byte)), roomy);
}

/** Lets what is under way in memory go on: some turns of the event loop. */
async function turn(): Promise<void> {
  for (let at = 0; at < 20; at++) await new Promise((resolve) => setImmediate(resolve));
}

const first = ({ envelope }: MailEntry) => envelope[0];

describe('a node that stops', () => {
  it('keeps the acks of its devices though a device at another node does not ack what stands before', async () => {
    const { cluster, ground, until, read } = clusterOfOnePartition(relayTerms);
    const nodes = [await cluster.start(), await cluster.start()];
    await turn();
    const stopping = nodes.find(({ mail: { partitions } }) =>
      partitions.some(({ topic }) => topic === ground.topics.toUser),
    );
    const staying = nodes.find((node) => node !== stopping);
    if (stopping === undefined || staying === undefined) throw new Error('one of two nodes has the partition');
    const [silent, acking] = [someDevice(), someDevice()];
    await staying.claim(silent);
    await stopping.claim(acking);
    await append(stopping, silent, 1);
    await append(stopping, acking, 2, 3);
    await cluster.settled();
    const given = await read(stopping, acking);
    expect(await ackAll(stopping, acking, given)).toBe(2);

    await until(cluster.end(stopping));
    await staying.claim(acking);
    await turn();
    expect((await read(staying, acking)).map(first)).toEqual([]);
    expect((await read(staying, silent)).map(first)).toEqual([1]);
    await until(cluster.close());
  });

  it('keeps acks though what stands before could not be spilled at the first try', async () => {
    const { cluster, ground, until, read } = clusterOfOnePartition(relayTerms);
    const node = await cluster.start();
    const [away, acking] = [someDevice(), someDevice()];
    await node.claim(acking);
    refuseOnce(ground, 'spill');
    await append(node, away, 1);
    await append(node, acking, 2);
    await turn();
    expect(await ackAll(node, acking, await read(node, acking))).toBe(1);

    await until(cluster.stop());
    const next = await cluster.start();
    await next.claim(acking);
    await turn();
    expect((await read(next, acking)).map(first)).toEqual([]);
    expect((await read(next, away)).map(first)).toEqual([1]);
    await until(cluster.close());
  });

  it('keeps acks that came while those before were being deleted', async () => {
    const { cluster, ground, until, read } = clusterOfOnePartition({ inboxTerms: { ...inboxTerms, window: 4 } });
    const node = await cluster.start();
    const device = someDevice();
    await append(node, device, 1, 2, 3, 4, 5, 6, 7);
    await cluster.settled();
    await node.claim(device);
    await turn();
    const { pending } = ground.engines;
    const forgetUpTo = pending.forgetUpTo.bind(pending);
    const held = Promise.withResolvers<void>();
    pending.forgetUpTo = async (...place) => {
      await held.promise;
      return forgetUpTo(...place);
    };
    const acked = ackAll(node, device, await read(node, device));
    await turn();
    const next = await read(node, device);
    expect(next.map(first)).toEqual([5, 6, 7]);
    expect(await ackAll(node, device, next.slice(0, 1))).toBe(1);

    const stopped = cluster.stop();
    await turn();
    held.resolve();
    await until(stopped);
    expect(await acked).toBe(4);
    const again = await cluster.start();
    expect((await read(again, device)).map(first)).toEqual([6, 7]);
    await until(cluster.close());
  });

  it('deletes what is acked though the last try, a moment ago, has failed', async () => {
    const { cluster, ground, until, read } = clusterOfOnePartition(relayTerms);
    const node = await cluster.start();
    const device = someDevice();
    await append(node, device, 1, 2);
    await cluster.settled();
    await node.claim(device);
    await turn();
    refuseOnce(ground, 'forgetUpTo');
    expect(await ackAll(node, device, await read(node, device))).toBe(2);
    await until(cluster.stop());
    expect((await read(await cluster.start(), device)).map(first)).toEqual([]);
    await until(cluster.close());
  });
});

describe('a cluster under test whose time stands', () => {
  it('tries again what was refused', async () => {
    const { cluster, ground, timers } = clusterOfOnePartition({});
    const node = await cluster.start();
    refuseOnce(ground, 'spill');
    await append(node, someDevice(), 1);
    await turn();
    expect(cluster.failures).toHaveLength(1);
    let rounds = 0;
    await cluster.resolved(() => {
      if (rounds++ > 100) throw new Error('it is not tried again');
      timers.advance(100);
    });
    await cluster.close();
  });
});

/** The next call of the pending store is refused. */
function refuseOnce({ engines: { pending } }: MemoryGround, method: 'spill' | 'forgetUpTo'): void {
  const own = pending[method];
  Object.assign(pending, {
    [method]: () => {
      Object.assign(pending, { [method]: own });
      return Promise.reject(new RelayError('store-unavailable', 'It does not answer.', { retryable: true }));
    },
  });
}
