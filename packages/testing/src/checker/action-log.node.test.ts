import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ActionLog, monotonicNow, type NewAction, readActionLog } from './action-log.node.ts';

const folder = mkdtempSync(join(tmpdir(), 'sotto-log-'));
afterAll(() => rmSync(folder, { recursive: true }));

const about = { sender: 'a', chat: 'a+b' };
const invoke = (message: string): NewAction => ({ type: 'send-invoke', ...about, message });

describe('ActionLog', () => {
  it('gives back what was written, with its time', () => {
    const path = join(folder, 'plain');
    let now = 5n;
    const log = new ActionLog(path, () => ++now);
    log.write(invoke('one\nline "and" more'));
    log.write({ type: 'deliver', receiver: 'b', late: true, ...about, message: 'two' });
    log.close();
    expect([...readActionLog(path)]).toEqual([
      { type: 'send-invoke', at: 6n, ...about, message: 'one\nline "and" more' },
      { type: 'deliver', at: 7n, receiver: 'b', late: true, ...about, message: 'two' },
    ]);
  });

  it('leaves out the line in which a process ended, and goes on after it', () => {
    const path = join(folder, 'torn');
    const first = new ActionLog(path, () => 1n);
    first.write(invoke('one'));
    first.close();
    appendFileSync(path, '\n{"at":"2","type":"send-inv');
    const second = new ActionLog(path, () => 3n);
    second.write(invoke('three'));
    second.close();
    expect([...readActionLog(path)].map(({ message }) => message)).toEqual(['one', 'three']);
  });

  it('reads logs longer than it reads at once', () => {
    const path = join(folder, 'long');
    const log = new ActionLog(path);
    const messages = Array.from({ length: 3_000 }, (_, at) => `${at} ${'ä'.repeat(300)}`);
    for (const message of messages) log.write(invoke(message));
    log.close();
    expect([...readActionLog(path)].map(({ message }) => message)).toEqual(messages);
  });

  it('refuses a file that is something else', () => {
    const path = join(folder, 'other');
    appendFileSync(path, 'hello;');
    expect(() => [...readActionLog(path)]).toThrow(SyntaxError);
  });

  it('keeps what a process had written when it is killed, with times that other processes can compare', () => {
    const path = join(folder, 'killed');
    const program = `
      import { ActionLog } from ${JSON.stringify(join(import.meta.dirname, 'action-log.node.ts'))};
      const log = new ActionLog(${JSON.stringify(path)});
      log.write(${JSON.stringify(invoke('last words'))});
      process.kill(process.pid, 'SIGKILL');`;
    const before = monotonicNow();
    const child = spawnSync(process.execPath, ['--input-type=module', '--conditions=sotto-source', '-e', program]);
    const after = monotonicNow();
    expect(child.signal).toBe('SIGKILL');
    const [action, ...more] = [...readActionLog(path)];
    expect(more).toEqual([]);
    expect(action?.message).toBe('last words');
    expect(action && action.at > before && action.at < after).toBe(true);
  });
});
