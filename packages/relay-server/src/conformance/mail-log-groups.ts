import type { LogAssignment, MailLog } from '../ports/mail-log.ts';
import { type HarnessMaker, suite } from './harness.ts';
import { LogReader, untilAll } from './log-reader.ts';
import { appendAll, bytes, keysOf, type MailLogWorld, numbers } from './log-world.ts';
import type { Runner } from './runner.ts';

/** What every `MailLog` must hold of groups: who owns what, and whose commits count. */
export function mailLogGroups(runner: Runner, maker: HarnessMaker<MailLogWorld>): void {
  const { expect } = runner;
  const key = bytes('somebody');

  async function committedOf(log: MailLog, group: string, topic: string, partition = 0): Promise<number | undefined> {
    return (await log.committed(group, topic)).find((position) => position.partition === partition)?.offset;
  }

  suite(runner, 'MailLog groups', maker, ({ check, checkWith }) => {
    check('share the partitions, and give each record to one owner at a time', async ({ stores }) => {
      const [one, other] = [await stores.node(), await stores.node()];
      const topic = await stores.makeTopic(4);
      const group = stores.newGroup();
      const keys = await keysOf(one.log, topic, 4);
      const first = await LogReader.join(one.log, { group, topics: [topic] });
      await first.until(() => first.owned.size === 4);
      first.onRevoked = async (assignment) => {
        const last = first.read.filter((read) => read.assignment.id === assignment.id).at(-1);
        if (last) await first.consumer.commit(assignment, last.record.offset + 1);
      };
      const second = await LogReader.join(other.log, { group, topics: [topic] });
      await untilAll([first, second], () => first.owned.size === 2 && second.owned.size === 2);
      expect([...first.owned.keys(), ...second.owned.keys()].sort()).toEqual([0, 1, 2, 3]);
      expect(first.revocations.map(({ how }) => how)).toEqual(['handed-over', 'handed-over']);
      for (const owned of keys) await appendAll(one.log, topic, owned, numbers(10));
      const fresh = () => [first, second].map(({ read }) => read.filter(({ text }) => text !== 'probe'));
      await untilAll([first, second], () => fresh().flat().length >= 40);
      const [mine = [], others = []] = fresh();
      expect([mine.length, others.length]).toEqual([20, 20]);
      const partitionsOf = (reads: typeof mine) => new Set(reads.map(({ assignment }) => assignment.partition));
      expect([...partitionsOf(mine)].sort()).toEqual([...first.owned.keys()].sort());
      expect([...partitionsOf(others)].sort()).toEqual([...second.owned.keys()].sort());
    });

    check('begin at the last commit after a take-over', async ({ stores }) => {
      const [one, other] = [await stores.node(), await stores.node()];
      const topic = await stores.makeTopic(1);
      const group = stores.newGroup();
      await appendAll(one.log, topic, key, numbers(10));
      const first = await LogReader.join(one.log, { group, topics: [topic] });
      await first.until(() => first.read.length === 10);
      expect(await first.consumer.commit(first.assignment(), 4)).toBe('committed');
      await first.consumer.close();
      expect(first.revocations.map(({ how }) => how)).toEqual(['handed-over']);
      const second = await LogReader.join(other.log, { group, topics: [topic] });
      await second.until(() => second.read.length === 6);
      expect(second.texts).toEqual(numbers(10).slice(4));
      expect(second.assignment().start).toBe(4);
      expect(second.assignment().id === first.assignments[0]?.id).toBe(false);
    });

    checkWith('reopen', 'find their commits after all nodes were gone', async (harness) => {
      const topic = await harness.stores.makeTopic(1);
      const group = harness.stores.newGroup();
      const { log } = await harness.stores.node();
      await appendAll(log, topic, key, numbers(5));
      const first = await LogReader.join(log, { group, topics: [topic] });
      await first.until(() => first.read.length === 5);
      expect(await first.consumer.commit(first.assignment(), 3)).toBe('committed');
      await harness.reopen();
      const node = await harness.stores.node();
      const second = await LogReader.join(node.log, { group, topics: [topic] });
      await second.until(() => second.read.length === 2);
      expect(second.texts).toEqual(['3', '4']);
    });

    check('take what is committed while a partition is handed over', async ({ stores }) => {
      const [one, other] = [await stores.node(), await stores.node()];
      const topic = await stores.makeTopic(2);
      const group = stores.newGroup();
      const keys = await keysOf(one.log, topic, 2);
      const first = await LogReader.join(one.log, { group, topics: [topic] });
      for (const owned of keys) await appendAll(one.log, topic, owned, numbers(5));
      const ends = ((await one.log.describe(topic))?.partitions ?? []).map(({ end }) => end);
      const all = ends.reduce((sum, end) => sum + end, 0);
      await first.until(() => first.read.length === all);
      const outcomes: string[] = [];
      first.onRevoked = async (assignment) => {
        outcomes.push(await first.consumer.commit(assignment, (ends[assignment.partition] ?? 0) - 1));
      };
      const second = await LogReader.join(other.log, { group, topics: [topic] });
      await second.until(() => second.owned.size === 1 && second.read.length === 1);
      const [moved] = second.assignments;
      expect(outcomes).toEqual(['committed']);
      expect(moved?.start).toBe((ends[moved?.partition ?? 0] ?? 0) - 1);
      expect(second.texts).toEqual(['4']);
    });

    check('take no commit after the revocation', async ({ stores }) => {
      const [one, other] = [await stores.node(), await stores.node()];
      const topic = await stores.makeTopic(2);
      const group = stores.newGroup();
      const keys = await keysOf(one.log, topic, 2);
      for (const owned of keys) await appendAll(one.log, topic, owned, numbers(5));
      const first = await LogReader.join(one.log, { group, topics: [topic] });
      await first.until(() => first.owned.size === 2);
      const second = await LogReader.join(other.log, { group, topics: [topic] });
      await untilAll([first, second], () => first.revocations.length === 1 && second.owned.size === 1);
      const [gone] = first.revocations;
      if (!gone) throw new Error('one was revoked');
      const taken = second.assignment(gone.assignment.partition);
      expect(await second.consumer.commit(taken, 3)).toBe('committed');
      expect(await first.consumer.commit(gone.assignment, 1)).toBe('not-owned');
      expect(await first.consumer.commit(gone.assignment, 5)).toBe('not-owned');
      expect(await committedOf(one.log, group, topic, taken.partition)).toBe(3);
      first.consumer.pause(gone.assignment);
      first.consumer.resume(gone.assignment);
      const kept = first.assignment(1 - taken.partition);
      expect(await first.consumer.commit(kept, 2)).toBe('committed');
      expect(await second.consumer.commit(kept, 4)).toBe('not-owned');
      expect(await committedOf(one.log, group, topic, kept.partition)).toBe(2);
    });

    check('never go back', async ({ stores }) => {
      const { log } = await stores.node();
      const topic = await stores.makeTopic(1);
      const group = stores.newGroup();
      await appendAll(log, topic, key, numbers(10));
      const reader = await LogReader.join(log, { group, topics: [topic] });
      await reader.until(() => reader.read.length === 10);
      const assignment = reader.assignment();
      expect(await reader.consumer.commit(assignment, 6)).toBe('committed');
      expect(await reader.consumer.commit(assignment, 2)).toBe('committed');
      expect(await committedOf(log, group, topic)).toBe(6);
      const offsets = [7, 10, 3, 8, 9, 1];
      const outcomes = await Promise.all(offsets.map((offset) => reader.consumer.commit(assignment, offset)));
      expect(outcomes).toEqual(offsets.map(() => 'committed'));
      expect(await committedOf(log, group, topic)).toBe(10);
      expect(await reader.consumer.commit(assignment, 4)).toBe('committed');
      await reader.consumer.close();
      const next = await LogReader.join(log, { group, topics: [topic] });
      await next.until(() => next.owned.size === 1);
      expect(next.assignment().start).toBe(10);
    });

    check('read no further while a partition is paused, and the others do', async ({ stores }) => {
      const { log } = await stores.node();
      const topic = await stores.makeTopic(2);
      const keys = await keysOf(log, topic, 2);
      const reader = await LogReader.join(log, { group: stores.newGroup(), topics: [topic], maxRecords: 5 });
      await reader.until(() => reader.owned.size === 2);
      reader.consumer.pause(reader.assignment(0));
      const before = reader.read.filter(({ assignment }) => assignment.partition === 0).length;
      for (const owned of keys) await appendAll(log, topic, owned, numbers(50));
      const of = (partition: number) =>
        reader.read.filter(({ assignment, text }) => assignment.partition === partition && text !== 'probe');
      await reader.until(() => of(1).length === 50);
      // One batch may have been on its way.
      expect(of(0).length <= 5).toBe(true);
      expect(before <= 5).toBe(true);
      reader.consumer.resume(reader.assignment(0));
      await reader.until(() => of(0).length === 50);
      expect(of(0).map(({ text }) => text)).toEqual(numbers(50));
      expect(Math.max(...reader.batches) <= 5).toBe(true);
    });

    check('give a slow owner no more than one batch, and hold nobody else up', async ({ stores }) => {
      const [one, other] = [await stores.node(), await stores.node()];
      const topic = await stores.makeTopic(2);
      const group = stores.newGroup();
      const keys = await keysOf(one.log, topic, 2);
      const slow = new LogReader();
      let open: () => void = () => undefined;
      slow.gate = new Promise((resolve) => {
        open = resolve;
      });
      const quick = await LogReader.join(other.log, { group, topics: [topic], maxRecords: 5 });
      await quick.until(() => quick.owned.size === 2);
      quick.onRevoked = async (assignment) => {
        const end = (await other.log.describe(topic))?.partitions[assignment.partition]?.end;
        await quick.consumer.commit(assignment, end ?? 0);
      };
      await slow.join(one.log, { group, topics: [topic], maxRecords: 5 });
      await untilAll([quick, slow], () => quick.owned.size === 1 && slow.owned.size === 1);
      const [mine] = slow.owned.keys();
      for (const owned of keys) await appendAll(one.log, topic, owned, numbers(100));
      const numbered = (reader: LogReader) => reader.texts.filter((text) => text !== 'probe');
      await untilAll([quick, slow], () => numbered(quick).length >= 100 && slow.read.length > 0);
      expect(numbered(quick)).toEqual(numbers(100));
      expect(slow.batches.length).toBe(1);
      expect(slow.read.length <= 5).toBe(true);
      expect(new Set(slow.read.map(({ assignment }) => assignment.partition))).toEqual(new Set([mine]));
      open();
      await slow.until(() => numbered(slow).length === 100);
      expect(numbered(slow)).toEqual(numbers(100));
    });

    check('take nothing from an owner that slept past its session', async ({ stores }) => {
      const [one, other] = [await stores.node(), await stores.node()];
      const topic = await stores.makeTopic(1);
      const group = stores.newGroup();
      await appendAll(one.log, topic, key, numbers(10));
      const asleep = await LogReader.join(one.log, { group, topics: [topic] });
      await asleep.until(() => asleep.read.length === 10);
      const old: LogAssignment = asleep.assignment();
      expect(await asleep.consumer.commit(old, 2)).toBe('committed');
      const next = await LogReader.join(other.log, { group, topics: [topic] });
      expect(next.owned.size).toBe(0);
      one.freeze();
      await next.until(() => next.read.length === 8);
      expect(next.texts).toEqual(numbers(10).slice(2));
      expect(await next.consumer.commit(next.assignment(), 6)).toBe('committed');
      expect(asleep.revocations).toEqual([]);
      expect(await asleep.consumer.commit(old, 4)).toBe('not-owned');
      expect(await asleep.consumer.commit(old, 10)).toBe('not-owned');
      expect(await committedOf(other.log, group, topic)).toBe(6);
      one.wake();
      await asleep.until(() => asleep.revocations.length > 0);
      expect(asleep.revocations[0]).toEqual({ assignment: old, how: 'lost' });
      expect(await asleep.consumer.commit(old, 10)).toBe('not-owned');
      expect(await committedOf(other.log, group, topic)).toBe(6);
    });

    check('give up a topic that was made anew, and begin the new one at its beginning', async ({ stores }) => {
      const { log } = await stores.node();
      const topic = await stores.makeTopic(1);
      const group = stores.newGroup();
      await appendAll(log, topic, key, numbers(5));
      const reader = await LogReader.join(log, { group, topics: [topic] });
      await reader.until(() => reader.read.length === 5);
      const old = reader.assignment();
      expect(await reader.consumer.commit(old, 3)).toBe('committed');
      await stores.remakeTopic(topic);
      await reader.until(() => reader.assignments.length === 2);
      expect(reader.revocations).toEqual([{ assignment: old, how: 'lost' }]);
      const [, now] = reader.assignments;
      const described = await log.describe(topic);
      expect(now?.topicId).toBe(described?.topicId);
      expect(now?.topicId === old.topicId).toBe(false);
      expect(now?.start).toBe(0);
      expect(await reader.consumer.commit(old, 5)).toBe('not-owned');
      expect(await log.committed(group, topic)).toEqual([]);
      const { topicId, partition } = old;
      expect(await log.deleteBefore(topic, { topicId, partition, offset: 0 })).toBe('unknown');
      const position = await log.append(topic, key, bytes('anew'));
      expect(position).toEqual({ topicId: described?.topicId, partition: 0, offset: 0 });
      await reader.until(() => reader.texts.includes('anew'));
      expect(await reader.consumer.commit(reader.assignment(), 1)).toBe('committed');
      expect(await log.committed(group, topic)).toEqual([{ ...position, offset: 1 }]);
    });

    check('let an owner leave that does not end its work', async ({ stores }) => {
      const { log } = await stores.node();
      const topic = await stores.makeTopic(1);
      const group = stores.newGroup();
      await appendAll(log, topic, key, numbers(5));
      const stuck = new LogReader();
      stuck.gate = new Promise(() => undefined);
      stuck.onRevoked = () => new Promise(() => undefined);
      await stuck.join(log, { group, topics: [topic], drainMs: 50 });
      await stuck.until(() => stuck.read.length === 5);
      const held = stuck.assignment();
      await Promise.all([stuck.consumer.close(), stuck.consumer.close()]);
      expect(stuck.revocations).toEqual([{ assignment: held, how: 'handed-over' }]);
      expect(stuck.failures.map(({ code }) => code)).toEqual(['internal']);
      expect(await stuck.consumer.commit(held, 5)).toBe('not-owned');
      await appendAll(log, topic, key, ['late']);
      const next = await LogReader.join(log, { group, topics: [topic] });
      await next.until(() => next.read.length === 6);
      expect(next.texts).toEqual([...numbers(5), 'late']);
      expect(stuck.read.length).toBe(5);
    });

    check('tell what a handler fails with, and go on', async ({ stores }) => {
      const { log } = await stores.node();
      const topic = await stores.makeTopic(1);
      await appendAll(log, topic, key, numbers(4));
      const reader = new LogReader();
      reader.gate = Promise.reject(new Error('planted'));
      reader.gate.catch(() => undefined);
      await reader.join(log, { group: stores.newGroup(), topics: [topic], maxRecords: 2 });
      await reader.until(() => reader.read.length === 4 && reader.failures.length === 2);
      expect(reader.texts).toEqual(numbers(4));
      expect(reader.failures.map(({ code }) => code)).toEqual(['internal', 'internal']);
    });
  });
}
