import { describe, expect, it } from 'vitest';
import { memoryLogHarness } from '../src/adapters/memory/mail-log-harness.ts';
import { mail, roomy } from '../src/conformance/mail-samples.ts';
import { someDevice, start } from '../src/conformance/samples.ts';
import { settableClock } from '../src/conformance/settable-clock.ts';
import { logJanitorCases } from './log-janitor-cases.ts';
import { MailCluster } from './mail-cluster.ts';
import { ManualTime } from './manual-time.ts';
import { MemoryGround } from './memory-ground.ts';

describe('memory', () => logJanitorCases({ describe, it, expect }, memoryLogHarness));

describe('the mail of a node', () => {
  it('leaves the log when it is done with', async () => {
    const [clock, timers] = [settableClock(), new ManualTime()];
    clock.set(start);
    const ground = new MemoryGround(clock, timers);
    const cluster = new MailCluster({ ground, clock, timers, mail: { deleteEveryMs: 1_000 } });
    const { mail: node, ground: own } = await cluster.start();
    for (let count = 0; count < 5; count++) await node.mailbox.append(mail(someDevice()), roomy);
    await cluster.resolved(() => timers.advance(100));
    const left = async () => {
      const { partitions = [] } = (await own.log.describe(ground.topics.toUser)) ?? {};
      return partitions.reduce((sum, { earliest, end }) => sum + end - earliest, 0);
    };
    while ((await left()) > 0) {
      timers.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await cluster.close();
    expect([await left(), cluster.failures]).toEqual([0, []]);
    expect(timers.pending).toBe(0);
  });
});
