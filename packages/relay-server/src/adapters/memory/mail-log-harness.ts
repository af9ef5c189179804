import { randomUUID } from 'node:crypto';
import type { Harness, HarnessMaker } from '../../conformance/harness.ts';
import type { MailLogNode, MailLogWorld } from '../../conformance/log-world.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import { systemTimers } from '../../platform/system-timers.ts';
import { MemoryMailLog } from './mail-log.ts';
import { MemoryLogBroker } from './memory-log-broker.ts';

const noFiles = 'memory has no files';

/** Memory logs under test: the nodes of a harness share a broker. */
export const memoryLogHarness: HarnessMaker<MailLogWorld> = {
  missing: { files: noFiles },
  async open(): Promise<Harness<MailLogWorld>> {
    const clock = settableClock();
    const broker = new MemoryLogBroker();
    const logs: MemoryMailLog[] = [];
    const closeAll = async () => {
      await Promise.all(logs.splice(0).map((log) => log.close()));
    };
    return {
      clock,
      stores: {
        async node(): Promise<MailLogNode> {
          const log = new MemoryMailLog({ broker, clock, timers: systemTimers });
          logs.push(log);
          return { log, freeze: () => log.freeze(), wake: () => log.wake() };
        },
        async makeTopic(partitions) {
          const topic = randomUUID();
          broker.makeTopic(topic, partitions);
          return topic;
        },
        async remakeTopic(topic) {
          broker.makeTopic(topic, broker.describe(topic)?.partitions.length ?? 1);
        },
        newGroup: () => randomUUID(),
      },
      reopen: closeAll,
      files: () => Promise.reject(new Error(noFiles)),
      close: closeAll,
    };
  },
};
