import { randomUUID } from 'node:crypto';
import { Admin } from '@platformatic/kafka';
import type { Harness, HarnessMaker } from '../../conformance/harness.ts';
import type { MailLogNode, MailLogWorld } from '../../conformance/log-world.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import { systemTimers } from '../../platform/system-timers.ts';
import type { Timers } from '../../ports/timers.ts';
import type { KafkaOptions } from './kafka-options.ts';
import { KafkaMailLog } from './mail-log.ts';
import { makeLogTopics } from './topics.ts';

/** Timers that can be made to stand still: what was due meanwhile runs when they go on. */
export function stoppableTimers(): Timers & { stop(): void; goOn(): void } {
  let due: (() => void)[] | undefined;
  const held = (run: () => void) => () => {
    if (due) due.push(run);
    else run();
  };
  return {
    after: (ms, run) => systemTimers.after(ms, held(run)),
    every: (ms, run) => systemTimers.every(ms, held(run)),
    stop: () => {
      due ??= [];
    },
    goOn: () => {
      const late = due ?? [];
      due = undefined;
      for (const run of late) run();
    },
  };
}

/** Logs on a running Kafka under test: a node whose timers stand still sends no heartbeats. Topics and groups have random names, and are deleted. */
export function kafkaLogHarness(kafka: KafkaOptions): HarnessMaker<MailLogWorld> {
  const noFiles = 'the bytes are in the files of the brokers';
  return {
    missing: { files: noFiles },
    async open(): Promise<Harness<MailLogWorld>> {
      const nodes: { readonly log: KafkaMailLog; readonly wake: () => void }[] = [];
      const topics: string[] = [];
      const groups: string[] = [];
      const admin = new Admin({ clientId: 'sotto-test', bootstrapBrokers: [...kafka.brokers], retries: 5 });
      const make = (topic: string, partitions: number) =>
        makeLogTopics({ kafka, topics: [topic], partitions, replication: 1, minInSync: 1 });
      const closeAll = async () => {
        await Promise.all(
          nodes.splice(0).map(({ log, wake }) => {
            wake();
            return log.close();
          }),
        );
      };
      return {
        clock: settableClock(),
        stores: {
          async node(): Promise<MailLogNode> {
            const timers = stoppableTimers();
            const log = new KafkaMailLog({ kafka, timers, sessionMs: 6000, heartbeatMs: 200, topicsMs: 200 });
            nodes.push({ log, wake: timers.goOn });
            return { log, freeze: timers.stop, wake: timers.goOn };
          },
          async makeTopic(partitions) {
            const topic = `sotto-test-${randomUUID()}`;
            topics.push(topic);
            await make(topic, partitions);
            return topic;
          },
          async remakeTopic(topic) {
            const [before] = (await admin.metadata({ topics: [topic], forceUpdate: true })).topics.values();
            await admin.deleteTopics({ topics: [topic] });
            await make(topic, before?.partitionsCount ?? 1);
          },
          newGroup() {
            const group = `sotto-test-${randomUUID()}`;
            groups.push(group);
            return group;
          },
        },
        reopen: closeAll,
        files: () => Promise.reject(new Error(noFiles)),
        async close() {
          await closeAll();
          if (topics.length > 0) await admin.deleteTopics({ topics });
          const known = await admin.listGroups();
          const left = groups.filter((group) => known.has(group));
          // Of those that were killed, the group still waits for some.
          for (const groupId of left) await admin.removeMembersFromConsumerGroup({ groupId });
          if (left.length > 0) await admin.deleteGroups({ groups: left });
          await admin.close();
        },
      };
    },
  };
}
