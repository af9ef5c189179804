import { describe, expect, it } from 'vitest';
import { MailCluster } from '../../test/mail-cluster.ts';
import { ManualTime } from '../../test/manual-time.ts';
import { MemoryGround } from '../../test/memory-ground.ts';
import { prometheusMetrics } from '../adapters/metrics/prometheus-metrics.ts';
import { day, mail, roomy } from '../conformance/mail-samples.ts';
import { someDevice, start } from '../conformance/samples.ts';
import { settableClock } from '../conformance/settable-clock.ts';
import { mailCounts } from './mail-counts.ts';
import { MailGauges } from './mail-gauges.ts';

async function world() {
  const metrics = prometheusMetrics();
  const clock = settableClock();
  const time = new ManualTime();
  const ground = new MemoryGround(clock, time);
  const cluster = new MailCluster({ ground, clock, timers: time, counts: mailCounts(metrics) });
  const [first, second] = [await cluster.start(), await cluster.start()];
  const value = async (series: string) => {
    const line = (await metrics.render()).split('\n').find((text) => text.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length));
  };
  const gauges = new MailGauges({
    metrics,
    mail: first.mail,
    log: first.ground.log,
    ledger: first.ground.ledger,
    clock,
    timers: time,
    topics: ['user2user_message', 'group_message'],
    retentionMs: 30 * day,
  });
  return { time, cluster, first, second, clock, value, gauges, metrics };
}

describe('a node of a cluster whose counters throw', () => {
  it('says so, and hands out what comes', async () => {
    const clock = settableClock();
    const time = new ManualTime();
    const broken = (): never => {
      throw new Error('planted');
    };
    const counts = { ...mailCounts(prometheusMetrics()), resolved: broken, handedOver: broken };
    const cluster = new MailCluster({ ground: new MemoryGround(clock, time), clock, timers: time, counts });
    const [first, second] = [await cluster.start(), await cluster.start()];
    const [here, away] = [someDevice(), someDevice()];
    await second.claim(here);
    for (let at = 1; at <= 2; at++) {
      await first.mail.mailbox.append(mail(here, Uint8Array.of(at)), roomy);
      await first.mail.mailbox.append(mail(away, Uint8Array.of(at)), roomy);
      await cluster.settled();
      const given = await second.mail.mailbox.reader(here).next(10, clock.now());
      expect(given).toHaveLength(1);
      const ids = given.map(({ deliveryId }) => deliveryId);
      await second.mail.mailbox.ack(here, ids);
      await cluster.resolved();
    }
    expect(new Set(cluster.failures)).toEqual(new Set(['listener.failed: Error: planted']));
    await cluster.close();
  });
});

describe('what a node of a cluster counts', () => {
  it('live mail and spilled mail', async () => {
    const { cluster, first, second, clock, value, metrics } = await world();
    const [here, away] = [someDevice(), someDevice()];
    await second.claim(here);
    await first.mail.mailbox.append(mail(here, Uint8Array.of(1)), roomy);
    await first.mail.mailbox.append(mail(away, Uint8Array.of(2)), roomy);
    await cluster.settled();
    const given = await second.mail.mailbox.reader(here).next(10, clock.now());
    const ids = given.map(({ deliveryId }) => deliveryId);
    await second.mail.mailbox.ack(here, ids);
    await cluster.resolved();
    await first.claim(away);
    await first.mail.mailbox.reader(away).next(10, clock.now());
    expect(await value('relay_mail_delivered_total{from="live"}')).toBe(1);
    expect(await value('relay_mail_delivered_total{from="pending"}')).toBe(1);
    expect(await value('relay_mail_resolved_total{how="acked"}')).toBe(1);
    expect(await value('relay_mail_resolved_total{how="spilled"}')).toBe(1);
    expect(await value('relay_hand_overs_total{outcome="acked"}')).toBe(1);
    expect(await value('relay_node_requests_total{outcome="answered"}')).toBeGreaterThanOrEqual(1);
    expect(await value('relay_pending_readings_total')).toBeGreaterThanOrEqual(2);
    const text = await metrics.render();
    for (const { userId } of [here, away]) expect(text).not.toContain(userId);
    for (const { ground } of [first, second]) expect(text).not.toContain(ground.link.node);
    await cluster.close();
  });

  it('how far it is: what an open stream owes, what is not done with, what waits for its device', async () => {
    const { cluster, first, second, clock, value, gauges } = await world();
    await gauges.look();
    const owned = async () => [
      await value('relay_partitions_owned{topic="user2user_message"}'),
      await value('relay_partitions_owned{topic="group_message"}'),
    ];
    expect(await owned()).toEqual(
      ['user2user_message', 'group_message'].map(
        (topic) => first.mail.partitions.filter((partition) => partition.topic === topic).length,
      ),
    );
    expect(await value('relay_watermark_age_seconds{topic="user2user_message"}')).toBe(0);
    expect(await value('relay_pending_age_seconds')).toBe(0);

    // One a partition of the first node: two are not acked, and one of them is the only one of its partition.
    const devices = Array.from({ length: 40 }, () => someDevice());
    for (const device of devices) {
      await first.claim(device);
      await second.mail.mailbox.append(mail(device, Uint8Array.of(1)), roomy);
    }
    await cluster.settled();
    clock.set(start + 90_000);
    await gauges.look();
    const mine = first.mail.partitions.filter(({ topic }) => topic === 'user2user_message');
    expect(mine.length).toBeGreaterThan(0);
    const age = (await value('relay_watermark_age_seconds{topic="user2user_message"}')) ?? 0;
    expect(age).toBeGreaterThan(89);
    expect(age).toBeLessThanOrEqual(90);
    expect(await value('relay_watermark_lag_records{topic="user2user_message"}')).toBeGreaterThan(0);
    expect(await value('relay_unacked_age_seconds')).toBe(90);
    // The cluster is looked at once a minute.
    for (let looks = 0; looks < 6; looks++) await gauges.look();
    expect(await value('relay_pending_age_seconds')).toBe(90);

    for (const device of devices) {
      const given = await first.mail.mailbox.reader(device).next(10, clock.now());
      const ids = given.map(({ deliveryId }) => deliveryId);
      await first.mail.mailbox.ack(device, ids);
    }
    await cluster.resolved();
    for (let looks = 0; looks < 6; looks++) await gauges.look();
    expect(await value('relay_watermark_age_seconds{topic="user2user_message"}')).toBe(0);
    expect(await value('relay_watermark_lag_records{topic="user2user_message"}')).toBe(0);
    expect(await value('relay_unacked_age_seconds')).toBe(0);
    expect(await value('relay_pending_age_seconds')).toBe(0);
    await cluster.close();
  });

  it('looks by itself while it is started, and not afterwards', async () => {
    const { time, cluster, value, gauges } = await world();
    const before = time.pending;
    gauges.start();
    time.advance(10_000);
    await gauges.stop();
    expect(await value('relay_partitions_owned{topic="user2user_message"}')).toBeGreaterThan(0);
    expect(time.pending).toBe(before);
    await cluster.close();
  });
});
