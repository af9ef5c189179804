import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EngineFolder } from './engine-folder.ts';
import { defaultShape } from './engine-shape.ts';
import { harmMember } from './harm-member.ts';
import { identify, linuxProcesses } from './process-identity.ts';

/** What a process does: T is stopped. */
function stateOf(pid: number): string | undefined {
  return /^State:\s+(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
}

it('stops, continues and kills a process of the folder, and no other one', async () => {
  const path = mkdtempSync(join(tmpdir(), 'sotto-harm-'));
  const child = spawn('sleep', ['600'], { stdio: 'ignore' });
  try {
    await once(child, 'spawn');
    const pid = child.pid ?? 0;
    const folder = new EngineFolder(path);
    folder.make();
    const said: string[] = [];
    const installer = { cache: path, env: {}, log: () => '', say: () => undefined };
    const harm = (name: string, fault: 'kill' | 'pause' | 'resume') =>
      harmMember({ folder, installer, say: (line) => void said.push(line) }, name, fault);
    expect(await harm('redis', 'kill')).toBe(false);
    const identity = identify(pid, linuxProcesses);
    if (identity === undefined) throw new Error('the process has ended');
    const secrets = { kafkaPassword: 'a', kafkaStorePassword: 'b', redisPassword: 'c' };
    const keys = { s3AccessKeyId: 'd', s3SecretAccessKey: 'e' };
    folder.writeMade({ shape: defaultShape, kafkaClusterId: 'f', ...secrets, ...keys });
    folder.writeStarted({ redis: identity, s3: { ...identity, startTicks: '1' } });
    expect(await harm('redis', 'pause')).toBe(true);
    await expect.poll(() => stateOf(pid)).toBe('T');
    expect(await harm('redis', 'resume')).toBe(true);
    await expect.poll(() => stateOf(pid)).not.toBe('T');
    expect(await harm('s3', 'kill')).toBe(false);
    expect(await harm('kafka-3', 'kill')).toBe(false);
    const ended = once(child, 'exit');
    expect(await harm('redis', 'kill')).toBe(true);
    expect((await ended)[1]).toBe('SIGKILL');
    expect(said).toEqual([
      'redis: does not run',
      `redis: stopped (process ${pid})`,
      `redis: goes on (process ${pid})`,
      's3: does not run',
      `there is no kafka-3 in ${path}: there are cassandra-1, kafka-1, redis, s3`,
      `redis: killed (process ${pid})`,
    ]);
  } finally {
    child.kill('SIGKILL');
    rmSync(path, { recursive: true, force: true });
  }
});
