import { describe, expect, it } from 'vitest';
import { runningEngines } from '../../../test/engines.ts';
import { bytes, numbers } from '../../conformance/log-world.ts';
import { FetchedOffsets } from '../../dispatch/fetched-offsets.ts';
import type { LogAssignment, LogConsumer, LogHandlers, MailLog } from '../../ports/mail-log.ts';
import { kafkaLogHarness } from './mail-log-harness.ts';

const { kafka } = runningEngines();

/** What all members of a group have done, and what must never be. */
class Ledger {
  /** Who owns a partition, as far as it knows. */
  readonly owners = new Map<number, string>();
  /** The greatest offset of which somebody was told that it is committed. */
  readonly committed = new Map<number, number>();
  readonly seen = new Set<string>();
  readonly violations: string[] = [];
  #waiting: (() => void)[] = [];

  tell(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  begin({ id, partition, start }: LogAssignment): void {
    if (this.owners.has(partition)) this.violations.push(`${partition} has two owners`);
    this.owners.set(partition, id);
    const committed = this.committed.get(partition) ?? 0;
    if (start < committed) this.violations.push(`${partition} begins at ${start}, and ${committed} was committed`);
  }

  end({ id, partition }: LogAssignment): void {
    if (this.owners.get(partition) === id) this.owners.delete(partition);
  }
}

/** Works as a dispatcher does: resolves records out of order, and commits the watermark, in a hand-over too. */
function dispatcher(ledger: Ledger, consumer: () => LogConsumer | undefined): LogHandlers {
  const marks = new Map<string, FetchedOffsets>();
  const commit = async (assignment: LogAssignment) => {
    const offset = marks.get(assignment.id)?.watermark() ?? assignment.start;
    if ((await consumer()?.commit(assignment, offset)) !== 'committed') return;
    ledger.committed.set(assignment.partition, Math.max(offset, ledger.committed.get(assignment.partition) ?? 0));
  };
  return {
    assigned: (assignment) => {
      marks.set(assignment.id, new FetchedOffsets());
      ledger.begin(assignment);
      ledger.tell();
    },
    revoked: async (assignment, how) => {
      if (how === 'handed-over') await commit(assignment);
      ledger.end(assignment);
      ledger.tell();
    },
    records: async (assignment, records) => {
      const mark = marks.get(assignment.id);
      for (const { offset } of records) mark?.fetched(offset);
      for (const { offset, value } of [...records].reverse()) {
        mark?.resolved(offset);
        ledger.seen.add(Buffer.from(value).toString());
      }
      ledger.tell();
      await commit(assignment);
    },
    skipped: () => ledger.violations.push('something was skipped'),
    failed: () => undefined,
  };
}

describe('a group on Kafka whose members come and go', () => {
  it('has one owner a partition, goes back behind no commit, and loses nothing', async () => {
    const harness = await kafkaLogHarness(kafka).open();
    const { stores } = harness;
    const topic = await stores.makeTopic(8);
    const group = stores.newGroup();
    const ledger = new Ledger();
    const writer = (await stores.node()).log;
    const logs: MailLog[] = [(await stores.node()).log, (await stores.node()).log, (await stores.node()).log];
    const members = new Map<MailLog, LogConsumer>();

    const comeOrGo = async (log: MailLog) => {
      const member = members.get(log);
      if (member) {
        members.delete(log);
        await member.close();
        return;
      }
      let consumer: LogConsumer | undefined;
      const options = { group, topics: [topic], maxRecords: 7, drainMs: 5000 };
      consumer = await log.consume(
        options,
        dispatcher(ledger, () => consumer),
      );
      members.set(log, consumer);
    };

    // A fixed order in which each is there or not; two change at a time now and then.
    const steps = [[0], [1], [2], [0], [0, 1], [2], [1, 2], [0, 2], [1], [0, 1]];
    const texts = numbers(1000);
    const appending = (async () => {
      for (let from = 0; from < texts.length; from += 20) {
        await Promise.all(
          texts
            .slice(from, from + 20)
            .map((text) => writer.append(topic, bytes(`key ${Number(text) % 50}`), bytes(text))),
        );
      }
    })();
    for (const step of steps) await Promise.all(step.flatMap((index) => logs[index] ?? []).map(comeOrGo));
    await appending;
    if (members.size === 0) await Promise.all(logs.map(comeOrGo));
    await ledger.until(() => ledger.seen.size === 1000);
    await Promise.all([...members.values()].map((member) => member.close()));
    expect(ledger.violations).toEqual([]);
    expect(ledger.owners.size).toBe(0);
    const ends = (await writer.describe(topic))?.partitions.map(({ end }) => end) ?? [];
    const committed = await writer.committed(group, topic);
    for (const { partition, offset } of committed) {
      expect(offset).toBe(ends[partition]);
      expect(offset).toBe(ledger.committed.get(partition));
    }
    expect(committed.length).toBe(ends.filter((end) => end > 0).length);
    await harness.close();
  });
});
