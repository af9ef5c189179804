import { describe, expect, it } from 'vitest';
import { ManualTime } from '../../test/manual-time.ts';
import { MemoryNodes } from '../adapters/memory/memory-nodes.ts';
import { RelayError } from '../relay-error.ts';
import { OtherNodes } from './other-nodes.ts';

const node = '127.0.0.1:1/one';

function world(broken: Partial<MemoryNodes>) {
  const nodes = new MemoryNodes();
  const time = new ManualTime();
  const failures: string[] = [];
  const others = new OtherNodes({
    nodes: {
      announce: (...of) => nodes.announce(...of),
      others: (...of) => nodes.others(...of),
      leave: (...of) => nodes.leave(...of),
      ...broken,
    },
    node,
    clock: time,
    timers: time,
    failed: (event) => failures.push(event),
  });
  return { others, time, failures, announced: () => nodes.others('somebody else', time.now()) };
}

const away = new RelayError('store-unavailable', 'Redis is away.', { retryable: true });

describe('OtherNodes', () => {
  it('says that the node is up until it stops', async () => {
    const { others, announced } = world({});
    await others.start();
    expect(await announced()).toEqual([node]);
    await others.stop();
    expect(await announced()).toEqual([]);
  });

  it('takes back what it said when it can not start', async () => {
    const { others, time, failures, announced } = world({ others: () => Promise.reject(away) });
    await expect(others.start()).rejects.toBe(away);
    expect(await announced()).toEqual([]);
    expect([time.pending, failures]).toEqual([0, []]);
    await others.stop();
  });

  it('throws why it can not start though nothing can be taken back either', async () => {
    const late = new RelayError('store-unavailable', 'Redis is late.', { retryable: true });
    const { others, failures } = world({ others: () => Promise.reject(away), leave: () => Promise.reject(late) });
    await expect(others.start()).rejects.toBe(away);
    expect(failures).toEqual(['nodes.announce-failed']);
  });
});
