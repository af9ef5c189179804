import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Runs the command from its sources; gives its exit status and what it said. */
function bench(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=sotto-source', join(import.meta.dirname, 'main.ts'), ...args],
    { encoding: 'utf8' },
  );
  return { status, stdout, stderr };
}

describe('the command', () => {
  it.each([['with nothing'], ['with help', '--help']])('lists the benches %s', (_, ...args) => {
    const { status, stdout } = bench(...args);
    expect(status).toBe(0);
    for (const name of ['sdk-send', 'sdk-receive', 'relay', 'mailbox', 'idle', 'storm', 'sealed'])
      expect(stdout).toMatch(new RegExp(`^ +${name} +\\S`, 'm'));
  });

  it.each([['no-such'], ['relay', '--rounds', '0'], ['relay', '--what'], ['relay', 'sdk-send']])(
    'refuses %s with the list and status 2',
    (...args) => {
      const { status, stderr } = bench(...args);
      expect(status).toBe(2);
      expect(stderr).toContain('sdk-receive');
    },
  );
});

describe('the last line of a run', () => {
  it.each([
    ['sdk-send', 'sends/s', 64, ['oneChat', 'drainedPerSecond', 'plaintextBytes', 'cpuRatio']],
    ['sdk-receive', 'messages/s', 32, ['oneWay', 'ciphertextBytes', 'sessionState', 'cpuRatio']],
    ['sealed', 'sends/s', 64, ['v2', 'rawPerSecond', 'ratioToRaw', 'members']],
    ['relay', 'messages/s', 64, ['unbatched', 'p50Ms', 'p99Ms', 'atHalfLoad', 'bytesOfSend']],
  ] as const)('of %s is its result', (name, unit, messages, details) => {
    const { status, stdout, stderr } = bench(name, '--rounds', '2', '--messages', String(messages));
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const result: Record<string, unknown> = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
    expect(result).toMatchObject({ name, unit, rounds: 1, messagesPerRound: messages });
    expect(result.machine).toMatchObject({ cores: expect.any(Number), node: process.versions.node });
    for (const key of ['value', 'baseline', 'ratio', 'target', 'fsyncMs']) expect(result[key]).toBeGreaterThan(0);
    for (const key of details) expect(result[key]).toBeDefined();
  });

  it.each([
    ['mailbox', 'stores/s', 256, ['drain', 'drainBaseline', 'drainRatio', 'storeCpuUs', 'drainCpuUs', 'fsyncMs']],
    ['idle', 'KiB/connection', 64, ['connections', 'relay', 'bare']],
    ['group', 'sends/s', 64, ['fanOut', 'rekey', 'fsyncMs']],
    ['storm', 's', 64, ['sockets', 'jittered', 'atOnce']],
  ] as const)('of %s is its result', (name, unit, messages, details) => {
    const { status, stdout, stderr } = bench(name, '--rounds', '2', '--seconds', '1', '--messages', String(messages));
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const result: Record<string, unknown> = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
    expect(result).toMatchObject({ name, unit, rounds: 1 });
    for (const key of ['value', 'baseline', 'ratio', 'target']) expect(result[key]).toBeGreaterThan(0);
    for (const key of details) expect(result[key]).toBeDefined();
  });
});
