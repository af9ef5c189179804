import { describe, expect, it } from 'vitest';
import { mail, roomy } from '../src/conformance/mail-samples.ts';
import { someBytes, someDevice, start } from '../src/conformance/samples.ts';
import { laneIdOf } from '../src/dispatch/delivery-lane.ts';
import { deviceKeyOf } from '../src/dispatch/device-key.ts';
import { inboxTerms } from '../src/dispatch/inbox-state.ts';
import { partitionTerms } from '../src/dispatch/partition-dispatch.ts';
import { dayOf } from '../src/platform/utc-day.ts';
import { RelayError } from '../src/relay-error.ts';
import { MailCluster } from './mail-cluster.ts';
import { ManualTime } from './manual-time.ts';
import { MemoryGround } from './memory-ground.ts';

async function turn(): Promise<void> {
  for (let at = 0; at < 20; at++) await new Promise((resolve) => setImmediate(resolve));
}

/** A cluster with the terms of relays, and a device that is connected and acks nothing. */
async function clusterWithSilentDevice(mailParts: { readonly recordBytes?: number } = {}) {
  const time = new ManualTime();
  let skew = 0;
  const setBack = (ms: number) => {
    skew -= ms;
  };
  const clock = { now: () => time.now() + skew };
  const ground = new MemoryGround(clock, time, 1);
  const cluster = new MailCluster({ ground, clock, timers: time, mail: mailParts, partitionTerms, inboxTerms });
  const node = await cluster.start();
  const device = someDevice();
  await node.claim(device);
  const spans = async () => (await ground.engines.pending.view(deviceKeyOf({ ...device, incarnation: '' }))).spans;
  const passes = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      time.advance(1_000);
      await turn();
    }
  };
  const { broker, ledger } = ground.engines;
  return { setBack, cluster, ground, broker, ledger, log: node.parts.log, node, device, spans, passes };
}

describe('a dispatcher', () => {
  it('spills what nobody acks in time though its clock was set back by an hour', async () => {
    const { setBack, cluster, node, device, spans, passes } = await clusterWithSilentDevice();
    await node.mail.mailbox.append(mail(device), roomy);
    await turn();
    setBack(3_600_000);
    await passes(30);
    expect((await spans()).map(({ last }) => last)).toEqual([0]);
    await cluster.close();
  });

  it('keeps nobody waiting for a device that is connected and acks nothing', async () => {
    const { cluster, node, device, spans, passes } = await clusterWithSilentDevice();
    const other = someDevice();
    await node.claim(other);
    for (let at = 0; at < 1_500; at++) await node.mail.mailbox.append(mail(device), roomy);
    await node.mail.mailbox.append(mail(other), roomy);
    await passes(60);
    expect(await node.mail.mailbox.reader(other).next(10, start)).toHaveLength(1);
    expect((await spans()).map(({ last }) => last)).toEqual([1_499]);
    await cluster.close();
  });

  it('parks a record that nobody can read though it is as large as the log takes it', async () => {
    const { cluster, broker, log, passes } = await clusterWithSilentDevice();
    const append = log.append.bind(log);
    log.append = async (topic, key, value) => {
      if (key.length + value.length <= 100) return append(topic, key, value);
      throw new RelayError('request-too-large', 'The log takes no more than 100 bytes.');
    };
    broker.append('user2user_message', Uint8Array.of(1), new Uint8Array(99).fill(255), {}, start);
    await passes(5);
    await cluster.resolved();
    expect(broker.describe('poison_message')?.partitions[0]?.end).toBeGreaterThan(1);
    await cluster.close();
  });
});

describe('a stream of a device that is another one by now', () => {
  it('is given nothing, and acks nothing', async () => {
    const { cluster, node, device } = await clusterWithSilentDevice();
    const { mailbox, claims } = node.mail;
    await mailbox.append(mail(device), roomy);
    await turn();
    const before = { ...device, incarnation: 'the one before' };
    expect(await mailbox.reader(before).next(10, start)).toEqual([]);
    const ids = (await mailbox.reader(device).next(10, start)).map(({ deliveryId }) => deliveryId);
    expect(await mailbox.ack(before, ids)).toBe(0);
    const ends: string[] = [];
    const names: unknown[] = [];
    await claims.claim(
      before,
      (why) => ends.push(why),
      (named) => names.push(named),
    );
    expect([ends, names]).toEqual([['session-ended'], []]);
    expect(await mailbox.ack({ ...device, incarnation: '' }, ids)).toBe(1);
    await cluster.close();
  });
});

describe('a mailbox whose ledger does not answer', () => {
  it('takes acks, lets streams begin, and counts out later', async () => {
    const { cluster, ledger, node, device } = await clusterWithSilentDevice();
    const { mailbox } = node.mail;
    await mailbox.append(mail(device), roomy);
    await turn();
    const [entry] = await mailbox.reader(device).next(10, start);
    const { release, usage } = ledger;
    const fail = () => Promise.reject(new RelayError('store-unavailable', 'It does not answer.'));
    Object.assign(ledger, { release: fail, usage: fail });
    expect(await mailbox.ack(device, [entry?.deliveryId ?? new Uint8Array()])).toBe(1);
    expect((await mailbox.usage(device)).count).toBe(0);
    Object.assign(ledger, { release, usage });
    expect((await mailbox.usage(device)).count).toBe(1);
    await mailbox.expire(start);
    expect((await mailbox.usage(device)).count).toBe(0);
    await cluster.close();
  });
});

describe('a sweep', () => {
  it('counts out what could not be counted before, many at once and no more than 64', async () => {
    const { cluster, ledger, node } = await clusterWithSilentDevice();
    const { mailbox } = node.mail;
    const { release } = ledger;
    Object.assign(ledger, {
      release: () => Promise.reject(new RelayError('store-unavailable', 'It does not answer.')),
    });
    const devices = Array.from({ length: 200 }, () => someDevice());
    for (const device of devices) await mailbox.append(mail(device), roomy);
    await cluster.settled();
    for (const device of devices) {
      const [entry] = await mailbox.reader(device).next(10, start);
      await mailbox.ack(device, [entry?.deliveryId ?? new Uint8Array()]);
    }
    let [now, most] = [0, 0];
    const counted = async (...values: Parameters<typeof release>) => {
      most = Math.max(most, ++now);
      await turn();
      now--;
      return release.apply(ledger, values);
    };
    Object.assign(ledger, { release: counted });
    await mailbox.expire(start);
    expect(most).toBe(64);
    const usages = await Promise.all(devices.map((device) => mailbox.usage(device)));
    expect(usages.filter(({ count }) => count > 0)).toEqual([]);
    Object.assign(ledger, { release });
    await cluster.close();
  });
});

describe('a mailbox whose receipts and ledger can not be had', () => {
  it('takes mail without, and does not ask again with each send', async () => {
    const { cluster, ground, ledger, node, device, passes } = await clusterWithSilentDevice();
    const { mailbox } = node.mail;
    const { receipts } = ground.engines;
    const { claim } = receipts;
    const { reserve } = ledger;
    let asked = 0;
    const fail = () => {
      asked++;
      return Promise.reject(new RelayError('store-unavailable', 'It does not answer.'));
    };
    Object.assign(ledger, { reserve: fail });
    Object.assign(receipts, { claim: fail });
    const [first, ...others] = Array.from({ length: 10 }, () => mail(device));
    if (first === undefined) throw new Error('there is a first one');
    expect((await mailbox.append(first, roomy)).results.map(({ status }) => status)).toEqual(['accepted']);
    for (const each of others) await mailbox.append(each, roomy);
    expect(asked).toBe(2);
    expect((await mailbox.usage(device)).count).toBe(0);
    await turn();
    expect(await mailbox.reader(device).next(20, start)).toHaveLength(10);
    Object.assign(ledger, { reserve });
    Object.assign(receipts, { claim });
    await passes(2);
    await mailbox.append(first, roomy);
    expect((await mailbox.append(first, roomy)).repeated).toBe(true);
    expect((await mailbox.usage(device)).count).toBe(1);
    await cluster.close();
  });
});

describe('a send that does not fit into one record', () => {
  it.each([
    ['a large end and 1,000 members', 1_000, 1, 200 * 1_024],
    ['many devices', 60, 100, 1_024],
  ])('is stored as several under one key: %s', async (_, users, devices, sharedBytes) => {
    const recordBytes = 256 * 1_024;
    const { cluster, log, node } = await clusterWithSilentDevice({ recordBytes });
    const append = log.append.bind(log);
    const keys: string[] = [];
    log.append = async (topic, key, value, ...others) => {
      if (key.length + value.length > recordBytes) throw new RelayError('request-too-large', 'The log takes less.');
      keys.push(Buffer.from(key).toString('hex'));
      return append(topic, key, value, ...others);
    };
    const recipients = Array.from({ length: users }, () => ({
      userId: someDevice().userId,
      stranger: false,
      items: Array.from({ length: devices }, (__, at) => ({ deviceId: at + 1, envelope: someBytes(100) })),
    }));
    const shared = new Uint8Array(sharedBytes);
    const { results } = await node.mail.mailbox.append({ ...mail(someDevice()), recipients, shared }, roomy);
    expect(results.filter(({ status }) => status === 'accepted')).toHaveLength(users);
    expect(keys.length).toBeGreaterThan(4);
    expect(new Set(keys).size).toBe(1);
    await cluster.close();
  });
});

describe('a mailbox that is sent ids that mean nothing', () => {
  it('asks the log for its topics no more often than every two seconds', async () => {
    const { cluster, log, node, device, passes } = await clusterWithSilentDevice();
    let asked = 0;
    const describe = log.describe.bind(log);
    log.describe = (topic) => {
      asked++;
      return describe(topic);
    };
    for (let times = 0; times < 20; times++) expect(await node.mail.mailbox.ack(device, [someBytes(32)])).toBe(0);
    expect(asked).toBe(2);
    await passes(3);
    await node.mail.mailbox.ack(device, [someBytes(32)]);
    expect(asked).toBe(4);
    await cluster.close();
  });
});

describe('a gateway', () => {
  it('answers the second of two hand-overs with one name, after the first was given up', async () => {
    const { cluster, node, device } = await clusterWithSilentDevice();
    const inbox = node.mail.inboxes.of({ ...device, incarnation: '' });
    const { epoch = '' } = inbox ?? {};
    const lane = laneIdOf('test', 'some-topic', 0);
    const message = {
      kind: 'hand-over' as const,
      call: 0,
      device: deviceKeyOf({ ...device, incarnation: '' }),
      lane,
      prevKo: -1,
      settled: true,
      epoch,
      deadline: Number.MAX_SAFE_INTEGER,
      mail: { ko: 0, time: start, expiresAt: start + 1e9, envelope: someBytes(20) },
    };
    const first = new AbortController();
    const given = node.mail.inboxes.handOver('other', message, first.signal).catch(() => 'given up');
    const second = node.mail.inboxes.handOver('other', message, new AbortController().signal);
    first.abort();
    expect(await given).toBe('given up');
    await inbox?.acked([{ lane, ko: 0, day: dayOf(start) }]);
    expect(await Promise.race([second, turn()])).toMatchObject({ status: 'acked' });
    await cluster.close();
  });

  it('asks engines for at most 256 devices at once, however many come at once', async () => {
    const { cluster, ground, node } = await clusterWithSilentDevice();
    const { pending } = ground.engines;
    const view = pending.view.bind(pending);
    let [now, most] = [0, 0];
    pending.view = async (device) => {
      most = Math.max(most, ++now);
      await turn();
      now--;
      return view(device);
    };
    await Promise.all(Array.from({ length: 1_000 }, () => node.claim(someDevice())));
    for (let times = 0; times < 5; times++) await turn();
    expect(most).toBe(256);
    await cluster.close();
  });
});
