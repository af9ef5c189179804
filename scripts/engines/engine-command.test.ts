import { describe, expect, it } from 'vitest';
import { readEngineCommand, usage } from './engine-command.ts';

describe('the command line of the engines', () => {
  it('brings all up, in what shape the folder has', () => {
    expect(readEngineCommand(['up'])).toEqual({
      type: 'up',
      folder: undefined,
      only: ['cassandra', 'kafka', 'redis', 's3'],
      shape: {},
    });
  });

  it('takes every option of up, in both ways of writing', () => {
    const args = '--folder mine --only=redis,kafka --brokers 3 --nodes=3 --ports 21000 --retention-ms=60000 --proxied';
    expect(readEngineCommand(['up', ...args.split(' ')])).toEqual({
      type: 'up',
      folder: 'mine',
      only: ['kafka', 'redis'],
      shape: { brokers: 3, nodes: 3, portBase: 21_000, retentionMs: 60_000, isProxied: true },
    });
  });

  it('wipes only when it is told to', () => {
    expect(readEngineCommand(['down'])).toMatchObject({ type: 'down', isWiping: false });
    expect(readEngineCommand(['down', '--wipe', '--only', 's3'])).toMatchObject({ isWiping: true, only: ['s3'] });
  });

  it('does something to one process', () => {
    const folder = undefined;
    expect(readEngineCommand(['kill', 'kafka-2'])).toEqual({ type: 'kill', folder, member: 'kafka-2' });
    expect(readEngineCommand(['pause', 'redis', '--folder', 'a'])).toEqual({
      type: 'pause',
      folder: 'a',
      member: 'redis',
    });
    expect(readEngineCommand(['resume', 's3'])).toEqual({ type: 'resume', folder, member: 's3' });
  });

  it('asks for the status of a folder', () => {
    expect(readEngineCommand(['status', '--folder', 'a b'])).toEqual({ type: 'status', folder: 'a b' });
  });

  it.each([
    [[], 'up, down or status'],
    [['start'], '"start"'],
    [['up', '--wipe'], '"--wipe"'],
    [['kill'], 'kill needs the name of a process'],
    [['pause', '--folder', 'a'], 'pause needs the name of a process'],
    [['kill', 'kafka-1', 'kafka-2'], 'kill takes no "kafka-2"'],
    [['toString'], '"toString"'],
    [['up', '--proxied=yes'], '--proxied takes no value'],
    [['down', '--brokers', '3'], '"--brokers"'],
    [['status', '--only', 'redis'], '"--only"'],
    [['up', 'kafka'], '"kafka"'],
    [['up', '--brokers', '2'], '1 or 3, not "2"'],
    [['up', '--nodes', '0'], '1 or 3, not "0"'],
    [['up', '--folder'], '--folder needs a value'],
    [['up', '--folder', '--only', 'redis'], '--folder needs a value'],
    [['up', '--folder='], '--folder needs a value'],
    [['up', '--only', 'redis', '--only', 's3'], '--only is there twice'],
    [['up', '--only', 'redis,postgres'], '"postgres"'],
    [['down', '--wipe=yes'], '--wipe takes no value'],
    [['up', '--ports', '80'], 'from 1024 to 64000, not "80"'],
    [['up', '--ports', '1e4'], 'not "1e4"'],
    [['up', '--retention-ms', '-1'], 'not "-1"'],
  ])('does not take %j', (args, message) => {
    expect(readEngineCommand(args)).toEqual({ type: 'wrong', message: expect.stringContaining(message) });
  });

  it.each(['--help', '-h'])('tells with %s how it is used', (help) => {
    expect(readEngineCommand(['up', help])).toEqual({ type: 'help' });
    for (const option of [
      '--folder',
      '--only',
      '--brokers',
      '--nodes',
      '--ports',
      '--retention-ms',
      '--proxied',
      '--wipe',
    ]) {
      expect(usage).toContain(`  ${option} `);
    }
  });
});
