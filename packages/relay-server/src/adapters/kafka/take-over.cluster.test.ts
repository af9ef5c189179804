import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runningEngines } from '../../../test/engines.ts';
import type { Harness } from '../../conformance/harness.ts';
import { LogReader } from '../../conformance/log-reader.ts';
import { appendAll, bytes, type MailLogWorld, numbers } from '../../conformance/log-world.ts';
import type { MailLog } from '../../ports/mail-log.ts';
import { kafkaLogHarness } from './mail-log-harness.ts';

const { kafka } = runningEngines();
const script = fileURLToPath(new URL('./take-over-process.ts', import.meta.url));
const key = bytes('somebody');

interface Said {
  readonly read?: number;
  readonly offset?: number;
  readonly outcome?: string;
  readonly revoked?: string;
}

/** Another process that reads, and what it has said. */
class Dispatcher {
  readonly said: Said[] = [];
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
  #waiting: (() => void)[] = [];

  constructor(topic: string, group: string) {
    const args = ['--conditions=sotto-source', script, kafka.brokers.join(), topic, group];
    this.child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    this.child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (text + chunk).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) this.said.push(JSON.parse(line));
      for (const resolve of this.#waiting.splice(0)) resolve();
    });
    this.ended = new Promise((resolve) => {
      this.child.on('close', () => resolve());
    });
  }

  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  get reads(): number[] {
    return this.said.flatMap(({ read }) => (read === undefined ? [] : [read]));
  }

  get committed(): number {
    return Math.max(0, ...this.said.map(({ outcome, offset }) => (outcome === 'committed' ? (offset ?? 0) : 0)));
  }
}

describe('a dispatcher on Kafka', () => {
  let harness: Harness<MailLogWorld>;
  let log: MailLog;
  let dispatcher: Dispatcher | undefined;

  beforeEach(async () => {
    harness = await kafkaLogHarness(kafka).open();
    log = (await harness.stores.node()).log;
  });

  afterEach(async () => {
    dispatcher?.child.kill('SIGKILL');
    await dispatcher?.ended;
    await harness.close();
  });

  it('that is killed in the middle leaves all that it has not committed to the next one', async () => {
    const topic = await harness.stores.makeTopic(1);
    const group = harness.stores.newGroup();
    const texts = numbers(400);
    await appendAll(log, topic, key, texts.slice(0, 200));
    const killed = new Dispatcher(topic, group);
    dispatcher = killed;
    await killed.until(() => killed.committed >= 50);
    killed.child.kill('SIGKILL');
    await killed.ended;
    const [read, committed] = [killed.reads, killed.committed];
    expect(read).toEqual(read.map((_, index) => index));
    await appendAll(log, topic, key, texts.slice(200));
    const next = await LogReader.join(log, { group, topics: [topic] });
    await next.until(() => next.texts.at(-1) === '399');
    const { start } = next.assignments[0] ?? { start: 0 };
    // The last commit may have arrived without its answer being heard.
    expect(start).toBeGreaterThanOrEqual(committed);
    expect(start).toBeLessThanOrEqual(read.length);
    expect(next.texts).toEqual(texts.slice(start));
    // Nothing is lost: whatever the first one has not committed came to the second.
    const seen = new Set([...read.slice(0, start).map(String), ...next.texts]);
    expect(seen.size).toBe(400);
  });

  it('that was stopped past its session commits nothing when it goes on', async () => {
    const topic = await harness.stores.makeTopic(1);
    const group = harness.stores.newGroup();
    await appendAll(log, topic, key, numbers(30));
    const asleep = new Dispatcher(topic, group);
    dispatcher = asleep;
    await asleep.until(() => asleep.committed === 30);
    asleep.child.kill('SIGSTOP');
    await appendAll(log, topic, key, ['30', '31', '32', '33', '34']);
    const next = await LogReader.join(log, { group, topics: [topic] });
    await next.until(() => next.read.length === 5);
    expect(await next.consumer.commit(next.assignment(), 33)).toBe('committed');
    asleep.child.kill('SIGCONT');
    await asleep.until(() => asleep.said.some(({ revoked }) => revoked !== undefined));
    await asleep.until(() => asleep.said.at(-1)?.read === undefined);
    expect(asleep.said.find(({ revoked }) => revoked !== undefined)?.revoked).toBe('lost');
    expect(asleep.committed).toBe(30);
    expect((await log.committed(group, topic)).map(({ offset }) => offset)).toEqual([33]);
    // The partition stays with who has it.
    expect(next.revocations).toEqual([]);
    await appendAll(log, topic, key, ['35']);
    await next.until(() => next.texts.at(-1) === '35');
  });
});
