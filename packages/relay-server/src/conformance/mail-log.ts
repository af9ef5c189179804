import type { HarnessMaker } from './harness.ts';
import { refusalOf, suite } from './harness.ts';
import { LogReader, untilAll } from './log-reader.ts';
import { appendAll, bytes, type MailLogWorld, numbers } from './log-world.ts';
import { mailLogGroups } from './mail-log-groups.ts';
import type { Runner } from './runner.ts';

/** What every `MailLog` must hold. */
export function mailLogConformance(runner: Runner, maker: HarnessMaker<MailLogWorld>): void {
  const { expect } = runner;
  const key = bytes('somebody');

  suite(runner, 'MailLog', maker, ({ check, checkWith }) => {
    check('keeps the order of each key, in one partition', async ({ stores }) => {
      const { log } = await stores.node();
      const topic = await stores.makeTopic(4);
      const keys = numbers(6).map((name) => bytes(`key ${name}`));
      const sent = numbers(40).flatMap((number) =>
        keys.map((sender, index) => ({ sender, text: `${index}:${number}` })),
      );
      const positions = await Promise.all(sent.map(({ sender, text }) => log.append(topic, sender, bytes(text))));
      const reader = await LogReader.join(log, { group: stores.newGroup(), topics: [topic] });
      await reader.until(() => reader.read.length >= sent.length);
      for (const [index, sender] of keys.entries()) {
        const of = reader.read.filter(({ record }) => Buffer.from(record.key).equals(sender));
        expect(of.map(({ text }) => text)).toEqual(numbers(40).map((number) => `${index}:${number}`));
        expect(new Set(of.map(({ assignment }) => assignment.partition)).size).toBe(1);
      }
      const given = sent.map(({ text }, index) => `${text} ${positions[index]?.partition}/${positions[index]?.offset}`);
      const came = reader.read.map(
        ({ text, assignment, record }) => `${text} ${assignment.partition}/${record.offset}`,
      );
      expect([...came].sort()).toEqual([...given].sort());
    });

    checkWith('reopen', 'an append is durable when it resolves', async (harness) => {
      const topic = await harness.stores.makeTopic(2);
      const first = await harness.stores.node();
      const position = await first.log.append(topic, key, bytes('kept'), { kind: bytes('a header') });
      await harness.reopen();
      const { log } = await harness.stores.node();
      const reader = await LogReader.join(log, { group: harness.stores.newGroup(), topics: [topic] });
      await reader.until(() => reader.read.length > 0);
      const [read] = reader.read;
      expect(read?.text).toBe('kept');
      expect(read && { ...position, partition: read.assignment.partition, offset: read.record.offset }).toEqual(
        position,
      );
      expect(read?.assignment.topicId).toBe(position.topicId);
      expect(Buffer.from(read?.record.headers.kind ?? []).toString()).toBe('a header');
    });

    check('gives bytes as they are, whether they can be parsed or not', async ({ stores }) => {
      const { log } = await stores.node();
      const topic = await stores.makeTopic(1);
      const values = [
        new Uint8Array(0),
        Uint8Array.from({ length: 256 }, (_, index) => index),
        new Uint8Array(70_000).fill(0xff),
      ];
      for (const value of values) await log.append(topic, key, value, { binary: new Uint8Array([0, 255]) });
      await log.append(topic, new Uint8Array(0), bytes('after them'));
      const reader = await LogReader.join(log, { group: stores.newGroup(), topics: [topic] });
      await reader.until(() => reader.read.length === 4);
      for (const [index, value] of values.entries()) {
        expect(Buffer.from(reader.read[index]?.record.value ?? []).equals(value)).toBe(true);
        expect([...(reader.read[index]?.record.headers.binary ?? [])]).toEqual([0, 255]);
      }
      expect(reader.texts[3]).toBe('after them');
      expect(reader.read[3]?.record.key.length).toBe(0);
    });

    check(
      'goes on at the earliest record that is left when those before were deleted, and tells so',
      async ({ stores }) => {
        const { log } = await stores.node();
        const topic = await stores.makeTopic(1);
        const group = stores.newGroup();
        await appendAll(log, topic, key, numbers(10));
        const first = await LogReader.join(log, { group, topics: [topic] });
        await first.until(() => first.read.length === 10);
        expect(await first.consumer.commit(first.assignment(), 2)).toBe('committed');
        await first.consumer.close();
        const { topicId } = first.assignments[0] ?? { topicId: '' };
        expect(await log.deleteBefore(topic, { topicId, partition: 0, offset: 6 })).toBe('deleted');
        expect((await log.describe(topic))?.partitions).toEqual([{ partition: 0, earliest: 6, end: 10 }]);
        const second = await LogReader.join(log, { group, topics: [topic] });
        await second.until(() => second.read.length === 4);
        expect(second.texts).toEqual(['6', '7', '8', '9']);
        expect(second.gaps).toEqual([{ from: 2, to: 6 }]);
        const fresh = await LogReader.join(log, { group: stores.newGroup(), topics: [topic] });
        await fresh.until(() => fresh.read.length === 4);
        expect(fresh.gaps).toEqual([]);
        expect(fresh.assignments[0]?.start).toBe(6);
      },
    );

    check('passes over what is deleted while it reads', async ({ stores }) => {
      const { log } = await stores.node();
      const topic = await stores.makeTopic(1);
      // Large, so that an adapter that reads ahead does not come to the end.
      const padding = ' '.repeat(60_000);
      for (const number of numbers(20)) await log.append(topic, key, bytes(`${number}${padding}`));
      let open: () => void = () => undefined;
      const reader = new LogReader();
      reader.gate = new Promise((resolve) => {
        open = resolve;
      });
      await reader.join(log, { group: stores.newGroup(), topics: [topic], maxRecords: 5 });
      await reader.until(() => reader.read.length > 0);
      const texts = () => reader.texts.map((text) => text.trim());
      expect(texts()).toEqual(numbers(20).slice(0, reader.read.length));
      const before = reader.read.length;
      reader.consumer.pause(reader.assignment());
      open();
      const { topicId } = reader.assignment();
      expect(await log.deleteBefore(topic, { topicId, partition: 0, offset: 20 })).toBe('deleted');
      await appendAll(log, topic, key, ['20', '21']);
      reader.consumer.resume(reader.assignment());
      await reader.until(() => reader.texts.includes('21'));
      // What was read ahead of its asking may still come; then it goes on behind the hole.
      const rest = texts().slice(before);
      const next = before + rest.length - 2;
      expect(rest).toEqual([...numbers(next).slice(before), '20', '21']);
      expect(next < 20).toBe(true);
      expect(reader.gaps).toEqual([{ from: next, to: 20 }]);
    });

    check('refuses to delete what is not there', async ({ stores }) => {
      const { log } = await stores.node();
      const topic = await stores.makeTopic(1);
      await appendAll(log, topic, key, numbers(3));
      const { topicId } = (await log.describe(topic)) ?? { topicId: '' };
      expect(await log.deleteBefore(topic, { topicId, partition: 0, offset: 4 })).toBe('unknown');
      expect(await log.deleteBefore(topic, { topicId, partition: 7, offset: 1 })).toBe('unknown');
      expect((await log.describe(topic))?.partitions).toEqual([{ partition: 0, earliest: 0, end: 3 }]);
      expect(await log.deleteBefore(topic, { topicId, partition: 0, offset: 2 })).toBe('deleted');
      expect(await log.deleteBefore(topic, { topicId, partition: 0, offset: 1 })).toBe('deleted');
      expect((await log.describe(topic))?.partitions).toEqual([{ partition: 0, earliest: 2, end: 3 }]);
    });

    check('says of a topic that is not there that the configuration is wrong', async ({ stores }) => {
      const { log } = await stores.node();
      const missing = stores.newGroup();
      const options = { group: stores.newGroup(), topics: [missing], maxRecords: 1, drainMs: 1 };
      expect(await refusalOf(log.append(missing, key, bytes('x')))).toBe('config-invalid');
      expect(await refusalOf(log.consume(options, new LogReader()))).toBe('config-invalid');
      expect(await refusalOf(log.committed(options.group, missing))).toBe('config-invalid');
      expect(await log.describe(missing)).toBe(undefined);
    });

    check('takes no appends after it was closed', async ({ stores }) => {
      const { log } = await stores.node();
      const topic = await stores.makeTopic(1);
      const last = log.append(topic, key, bytes('in flight'));
      await log.close();
      await log.close();
      expect((await last).offset).toBe(0);
      expect(await refusalOf(log.append(topic, key, bytes('late')))).toBe('store-unavailable');
    });

    check('is read by each group for itself', async ({ stores }) => {
      const { log } = await stores.node();
      const topic = await stores.makeTopic(2);
      const groups = [stores.newGroup(), stores.newGroup()];
      const readers = await Promise.all(groups.map((group) => LogReader.join(log, { group, topics: [topic] })));
      await appendAll(log, topic, key, numbers(5));
      await untilAll(readers, () => readers.every(({ read }) => read.length === 5));
      const [one, other] = readers;
      const [read] = one?.read ?? [];
      if (!one || !other || !read) throw new Error('two readers read');
      expect(one.texts).toEqual(other.texts);
      expect(await one.consumer.commit(read.assignment, 3)).toBe('committed');
      const { topicId, partition } = read.assignment;
      expect(await log.committed(groups[0] ?? '', topic)).toEqual([{ topicId, partition, offset: 3 }]);
      expect(await log.committed(groups[1] ?? '', topic)).toEqual([]);
    });
  });

  mailLogGroups(runner, maker);
}
