import { afterAll, describe, expect, it } from 'vitest';
import { liveMailboxConformance } from '../src/conformance/live-mailbox.ts';
import { mailboxConformance } from '../src/conformance/mailbox.ts';
import { sealedMailConformance } from '../src/conformance/sealed-mail.ts';
import { settableClock } from '../src/conformance/settable-clock.ts';
import { sharedMailConformance } from '../src/conformance/shared-mail.ts';
import { systemTimers } from '../src/platform/system-timers.ts';
import { type ClusterUnderTest, clusterHarness } from './cluster-harness.ts';
import { EngineGround } from './engine-ground.ts';
import { MailCluster } from './mail-cluster.ts';

const runner = { describe, it, expect };

// The nodes live through all cases, which meet nowhere: their users are random. With two nodes the one that takes mail is not the one that gives it.
describe.each([
  { nodes: 1, claimed: false },
  { nodes: 2, claimed: true },
])('the mailbox of a cluster on engines, nodes: $nodes, devices connected: $claimed', (options) => {
  let made: Promise<ClusterUnderTest> | undefined;
  const make = async (): Promise<ClusterUnderTest> => {
    const clock = settableClock();
    const ground = await EngineGround.make(clock);
    // Thousands that a case has left without an ack are spilled one after the other when the nodes stop.
    const cluster = new MailCluster({ ground, clock, timers: systemTimers, drainMs: 60_000 });
    return { cluster, clock, release: () => Promise.resolve() };
  };
  const maker = clusterHarness({ ...options, cluster: () => (made ??= make()) });
  mailboxConformance(runner, maker);
  liveMailboxConformance(runner, maker);
  sharedMailConformance(runner, maker);
  sealedMailConformance(runner, maker);

  afterAll(async () => {
    const under = await made;
    await under?.cluster.close();
    // A busy engine may refuse a spill, which is tried again: what became of the mail is what the suites look at.
    const failures = under?.cluster.failures.filter((failure) => !failure.startsWith('pending.spill-failed'));
    expect(failures).toEqual([]);
  });
});
