import { describe, expect, it } from 'vitest';
import type { SettableClock } from '../src/conformance/harness.ts';
import { mail, roomy } from '../src/conformance/mail-samples.ts';
import { someDevice } from '../src/conformance/samples.ts';
import { settableClock } from '../src/conformance/settable-clock.ts';
import { deviceKeyOf } from '../src/dispatch/device-key.ts';
import { inboxTerms } from '../src/dispatch/inbox-state.ts';
import { partitionTerms } from '../src/dispatch/partition-dispatch.ts';
import type { DeviceAddress } from '../src/ports/ids.ts';
import type { MailEntry, MailReader } from '../src/ports/mailbox.ts';
import { MailCluster, type MailClusterNode } from './mail-cluster.ts';
import { ManualTime } from './manual-time.ts';
import { MemoryGround } from './memory-ground.ts';

const count = 30;
const numbers = Array.from({ length: count }, (_, at) => at);
const numberOf = ({ envelope }: MailEntry) => envelope[0] ?? -1;

function memoryCluster(clock: SettableClock): MailCluster<MemoryGround> {
  const timers = new ManualTime();
  return new MailCluster({ ground: new MemoryGround(clock, timers), clock, timers });
}

async function appendAll(node: MailClusterNode, to: DeviceAddress, which: readonly number[]): Promise<void> {
  for (const number of which) await node.mail.mailbox.append(mail(to, Uint8Array.of(number)), roomy);
}

async function ackAll(node: MailClusterNode, device: DeviceAddress, entries: readonly MailEntry[]): Promise<number> {
  return node.mail.mailbox.ack(
    device,
    entries.map(({ deliveryId }) => deliveryId),
  );
}

/** Everything that is there now. */
async function readNow(reader: MailReader, now: number): Promise<readonly MailEntry[]> {
  return reader.next(count * 2, now);
}

describe('a cluster that loses a node', () => {
  it.each(['where the device is', 'where the mail came in'])(
    'gives everything, in order, when it is the one %s',
    async (which) => {
      const clock = settableClock();
      const cluster = memoryCluster(clock);
      const [first, second] = [await cluster.start(), await cluster.start()];
      const device = someDevice();
      await second.claim(device);
      await appendAll(first, device, numbers.slice(0, 20));
      await cluster.settled();
      const seen = await second.mail.mailbox.reader(device).next(10, clock.now());
      expect(seen.map(numberOf)).toEqual(numbers.slice(0, 10));
      expect(await ackAll(second, device, seen.slice(0, 5))).toBe(5);

      const [gone, left] = which === 'where the device is' ? [second, first] : [first, second];
      // What lies in the inbox of the one that is left is there already.
      if (gone === second) cluster.expectAgain();
      cluster.crash(gone);
      await appendAll(left, device, numbers.slice(20));
      await cluster.settled();
      if (gone === second) await left.claim(device);
      const rest = await readNow(left.mail.mailbox.reader(device), clock.now());
      // What was acked may come again: the one who knew it may be gone.
      const fresh = rest.map(numberOf).filter((number) => number >= 5);
      expect(fresh).toEqual(numbers.slice(5));
      expect(rest.map(numberOf)).toEqual(rest.map(numberOf).sort((one, other) => one - other));
      await ackAll(left, device, rest);
      expect((await left.mail.mailbox.usage(device)).count).toBe(0);
      expect(await readNow(left.mail.mailbox.reader(device), clock.now())).toEqual([]);
      await cluster.close();
    },
  );

  it('gives nothing again of what was acked and committed', async () => {
    const clock = settableClock();
    const cluster = memoryCluster(clock);
    const [first, second] = [await cluster.start(), await cluster.start()];
    const device = someDevice();
    await first.claim(device);
    await appendAll(first, device, numbers);
    await cluster.settled();
    await ackAll(first, device, await readNow(first.mail.mailbox.reader(device), clock.now()));
    await cluster.resolved();
    cluster.crash(first);
    await second.claim(device);
    expect(await readNow(second.mail.mailbox.reader(device), clock.now())).toEqual([]);
    expect((await cluster.ground.engines.pending.view(deviceKeyOf({ ...device, incarnation: '' }))).spans).toEqual([]);
    await cluster.close();
  });
});

describe('a cluster with the terms of relays', () => {
  it('spills what a connected device does not ack in time, and gives it once', async () => {
    const time = new ManualTime();
    const cluster = new MailCluster({
      ground: new MemoryGround(time, time),
      clock: time,
      timers: time,
      partitionTerms,
      inboxTerms,
    });
    const node = await cluster.start();
    const device = someDevice();
    await node.claim(device);
    await appendAll(node, device, numbers);
    const reader = node.mail.mailbox.reader(device);
    const given: MailEntry[] = [];
    const key = deviceKeyOf({ ...device, incarnation: '' });
    const stored = async () => (await cluster.ground.engines.pending.view(key)).spans[0];
    for (let round = 0; round < 200 && given.length < count; round++) {
      time.advance(1_000);
      await turn();
      given.push(...(await reader.next(5, time.now())));
    }
    expect(given.map(numberOf)).toEqual(numbers);
    await cluster.resolved(() => time.advance(1_000));
    expect((await stored())?.last).toBe(count - 1);
    expect(await ackAll(node, device, given)).toBe(count);
    expect(await stored()).toBe(undefined);
    expect(node.ended).toEqual([]);
    await cluster.close();
  });

  it('ends the stream that another node has taken over, and goes on there', async () => {
    const clock = settableClock();
    const cluster = memoryCluster(clock);
    const [first, second] = [await cluster.start(), await cluster.start()];
    const device = someDevice();
    await first.claim(device);
    await appendAll(first, device, numbers.slice(0, 10));
    await cluster.settled();
    await second.claim(device);
    await turn();
    expect(first.ended.map(([, reason]) => reason)).toEqual(['replaced']);
    await appendAll(first, device, numbers.slice(10));
    await cluster.settled();
    await turn();
    const given = await readNow(second.mail.mailbox.reader(device), clock.now());
    expect(given.map(numberOf)).toEqual(numbers);
    await cluster.close();
  });
});

/** Lets what is under way in memory go on: some turns of the event loop. */
async function turn(): Promise<void> {
  for (let at = 0; at < 20; at++) await new Promise((resolve) => setImmediate(resolve));
}
