import { describe, expect, it } from 'vitest';
import { mail, roomy } from '../src/conformance/mail-samples.ts';
import { someDevice, start } from '../src/conformance/samples.ts';
import { deviceKeyOf } from '../src/dispatch/device-key.ts';
import { inboxTerms } from '../src/dispatch/inbox-state.ts';
import { partitionTerms } from '../src/dispatch/partition-dispatch.ts';
import { MailCluster } from './mail-cluster.ts';
import { ManualTime } from './manual-time.ts';
import { MemoryGround } from './memory-ground.ts';

async function turn(): Promise<void> {
  for (let at = 0; at < 20; at++) await new Promise((resolve) => setImmediate(resolve));
}

/** A cluster with the terms of relays, and a device that is connected and acks nothing. */
async function clusterWithSilentDevice() {
  const time = new ManualTime();
  let skew = 0;
  const setBack = (ms: number) => {
    skew -= ms;
  };
  const clock = { now: () => time.now() + skew };
  const ground = new MemoryGround(clock, time);
  const cluster = new MailCluster({ ground, clock, timers: time, partitionTerms, inboxTerms });
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
  return { setBack, cluster, node, device, spans, passes };
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
});
