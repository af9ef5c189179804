import { type HarnessMaker, suite } from '../src/conformance/harness.ts';
import { LogReader } from '../src/conformance/log-reader.ts';
import { appendAll, keysOf, type MailLogWorld, numbers } from '../src/conformance/log-world.ts';
import type { Runner } from '../src/conformance/runner.ts';
import { LogJanitor } from '../src/dispatch/log-janitor.ts';
import type { MailLog } from '../src/ports/mail-log.ts';
import { RelayError } from '../src/relay-error.ts';
import { ManualTime } from './manual-time.ts';

/** What the janitor must do on any log. */
export function logJanitorCases(runner: Runner, maker: HarnessMaker<MailLogWorld>): void {
  const { expect } = runner;

  /** A topic of two partitions, two groups that own both, and a janitor over them. */
  async function begun(world: MailLogWorld) {
    const { log } = await world.node();
    const topic = await world.makeTopic(2);
    const keys = await keysOf(log, topic, 2);
    for (const key of keys) await appendAll(log, topic, key, numbers(6));
    const groups = [world.newGroup(), world.newGroup()];
    const readers = await Promise.all(groups.map((group) => LogReader.join(log, { group, topics: [topic] })));
    for (const reader of readers) await reader.until(() => reader.owned.size === 2);
    const commit = async (reader: number, partition: number, offset: number) => {
      const of = readers[reader];
      expect(await of?.consumer.commit(of.assignment(partition), offset)).toBe('committed');
    };
    const earliest = async () => (await log.describe(topic))?.partitions.map((partition) => partition.earliest);
    const asked: number[] = [];
    const failures: string[] = [];
    const time = new ManualTime();
    let refusal: RelayError | undefined;
    const counted: Pick<MailLog, 'committed' | 'deleteBefore'> = {
      committed: (group, of) => log.committed(group, of),
      async deleteBefore(of, position) {
        asked.push(position.partition);
        if (refusal !== undefined) throw refusal;
        return log.deleteBefore(of, position);
      },
    };
    const janitor = new LogJanitor({
      log: counted,
      topics: [topic],
      groups,
      timers: time,
      everyMs: 1_000,
      failed: (event) => failures.push(event),
    });
    const refuse = (error: RelayError | undefined) => {
      refusal = error;
    };
    return { log, topic, keys, janitor, commit, earliest, asked, failures, time, refuse };
  }

  suite(runner, 'LogJanitor', maker, ({ check }) => {
    check('what a group has not committed stays, and so does all of which one knows nothing', async ({ stores }) => {
      const { janitor, commit, earliest } = await begun(stores);
      await janitor.run();
      expect(await earliest()).toEqual([0, 0]);
      await commit(0, 0, 5);
      await commit(0, 1, 4);
      await janitor.run();
      expect(await earliest()).toEqual([0, 0]);
      await commit(1, 0, 3);
      await janitor.run();
      expect(await earliest()).toEqual([3, 0]);
      await commit(1, 0, 6);
      await commit(1, 1, 1);
      await janitor.run();
      expect(await earliest()).toEqual([5, 1]);
    });

    check('only what has moved is asked for, and what failed is tried again', async ({ stores }) => {
      const { janitor, commit, earliest, asked, failures, refuse } = await begun(stores);
      for (const reader of [0, 1]) for (const partition of [0, 1]) await commit(reader, partition, 2);
      await janitor.run();
      await janitor.run();
      expect(asked.splice(0).sort()).toEqual([0, 1]);
      for (const reader of [0, 1]) await commit(reader, 1, 4);
      refuse(new RelayError('store-unavailable', 'planted', { retryable: true }));
      await janitor.run();
      expect([asked.splice(0), failures, await earliest()]).toEqual([[1], ['mail-log.delete-failed'], [2, 2]]);
      refuse(undefined);
      await janitor.run();
      await janitor.run();
      expect([asked, failures.length, await earliest()]).toEqual([[1], 1, [2, 4]]);
    });

    check('it deletes again and again, until it is stopped', async ({ stores }) => {
      const { janitor, commit, earliest, time, asked } = await begun(stores);
      janitor.start();
      for (const reader of [0, 1]) await commit(reader, 0, 2);
      time.advance(999);
      expect(await earliest()).toEqual([0, 0]);
      time.advance(1);
      // The one that is under way.
      await janitor.run();
      expect(await earliest()).toEqual([2, 0]);
      await janitor.stop();
      await janitor.stop();
      for (const reader of [0, 1]) await commit(reader, 0, 3);
      time.advance(10_000);
      expect([asked, time.pending]).toEqual([[0], 0]);
    });

    check('two janitors at once are harmless', async ({ stores }) => {
      const one = await begun(stores);
      for (const reader of [0, 1]) for (const partition of [0, 1]) await one.commit(reader, partition, 3);
      await Promise.all([one.janitor.run(), one.janitor.run()]);
      expect(await one.earliest()).toEqual([3, 3]);
      expect(one.asked.length).toBe(2);
    });

    check('of a topic that is made anew nothing goes by the commits of the one before', async ({ stores }) => {
      const { log, topic, keys, janitor, commit, earliest } = await begun(stores);
      for (const reader of [0, 1]) for (const partition of [0, 1]) await commit(reader, partition, 5);
      await stores.remakeTopic(topic);
      for (const key of keys) await appendAll(log, topic, key, numbers(6));
      await janitor.run();
      expect(await earliest()).toEqual([0, 0]);
    });
  });
}
