import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClusterSettings, type Settings } from './cluster-settings.ts';
import { CommandProcess } from './command-process.ts';

let settings: ClusterSettings;
const processes: CommandProcess[] = [];

beforeEach(async () => {
  settings = await ClusterSettings.make();
});
afterEach(async () => {
  for (const each of processes.splice(0)) each.kill();
  await settings[Symbol.asyncDispose]();
});

function run(...args: readonly string[]): CommandProcess {
  const process = new CommandProcess(...args, '--config', join(settings.folder, 'relay.json'));
  processes.push(process);
  return process;
}

async function ended(process: CommandProcess) {
  const status = await process.exited;
  return { status, out: process.out, err: process.err };
}

const write = (change: Settings = {}) => settings.write('relay.json', JSON.stringify(settings.file(change)));

/** Six processes one after the other and beside each other, each of which loads the relay: a busy machine takes its time. */
const timeout = 400_000;

describe('sotto-relay on the engines of a cluster', () => {
  it('migrates from three processes at the same time, then two nodes start, are ready, and end with status 0', {
    timeout,
  }, async () => {
    await write();
    const first = [run('migrate'), run('migrate'), run('migrate')];
    const statuses = await Promise.all(first.map(({ exited }) => exited));
    expect(first.map(({ err }) => err)).toEqual(['', '', '']);
    expect(statuses).toEqual([0, 0, 0]);
    const lines = first.flatMap(({ out }) => out.split('\n'));
    for (const topic of await settings.topics()) {
      expect(lines.filter((line) => line.startsWith(`Kafka: made the topic ${topic},`)).length).toBe(1);
    }
    expect(lines.filter((line) => line.startsWith('Cassandra: noted the name')).length).toBe(1);

    const nodes = [run(), run()];
    const urls = await Promise.all(nodes.map((node) => node.url()));
    for (const url of urls) expect((await fetch(`${url}/readyz`)).status).toBe(200);
    const again = run('migrate');
    expect(await again.exited).toBe(0);
    expect(again.out).not.toMatch(/made the|brought|noted/);
    expect(await Promise.all(nodes.map((node) => node.end()))).toEqual([0, 0]);
    expect(nodes.map(({ out }) => out.includes('is a node of sotto'))).toEqual([true, true]);
  });

  it('says what is wrong in one sentence, with status 2 when it is a setting and 1 when nobody answers', {
    timeout,
  }, async () => {
    await write();
    const first = expect.stringMatching(/^sotto-relay: .* run `sotto-relay migrate` .*first\.\n$/);
    expect(await ended(run())).toEqual({ status: 2, out: '', err: first });

    await write({ kafka: { brokers: ['127.0.0.1:1'] } });
    const away = 'sotto-relay: Kafka can not be reached, or did not answer in time. Try again.\n';
    expect(await ended(run('migrate'))).toEqual({ status: 1, out: '', err: away });

    await write({ store: 'embedded' });
    const needless = expect.stringContaining('needs no migration');
    expect(await ended(run('migrate'))).toEqual({ status: 2, out: '', err: needless });
    expect(await settings.topics()).toEqual([]);
  });
});
