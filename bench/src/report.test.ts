import { describe, expect, it } from 'vitest';
import type { BenchResult } from './bench.ts';
import type { PeerMeasure } from './peers/peer-table.ts';
import { peerTable } from './peers/peer-table.ts';
import { renderReport, withReport } from './report.ts';

const machine = {
  cores: 2,
  cpu: 'A CPU',
  memoryMiB: 4_096,
  platform: 'linux-x64',
  node: '24.0.0',
  loadBefore: 0.1,
};

const storm: BenchResult = {
  name: 'storm',
  value: 3,
  unit: 's',
  baseline: 2,
  ratio: 1.5,
  target: 1.1,
  better: 'lower',
  rounds: 1,
  machine,
  sockets: 100,
  mailEach: 2,
  atOnce: { seconds: 2, halfBackSeconds: 1, failures: 7, relayRssMib: 100 },
  jittered: { seconds: 3, halfBackSeconds: 2, failures: 0, relayRssMib: 90 },
};

function peer(name: string, load: number): PeerMeasure {
  const each = (value: Record<string, number>) => ({ online: value, store: value, drain: value });
  const guarantees = { durability: 'd', encryption: 'e', ordering: 'o', acks: 'a', repeats: 'r' };
  return {
    name,
    version: '1.2',
    online: 10,
    store: 20,
    drain: 30,
    idleKib: 4,
    rounds: 1,
    cpuUs: each({ server: 5, load: 6 }),
    cores: each({ server: 0.5, load }),
    guarantees,
  };
}

describe('the page of what was measured', () => {
  it('names date, commit and machine, a row for each bench, and which way is better', () => {
    const report = renderReport([storm], { date: '2026-01-02', commit: 'abc1234' });
    expect(report).toContain('2026-01-02 at commit `abc1234`: A CPU, 2 cores, 4 GiB, linux-x64, Node 24.0.0');
    expect(report).toContain('| storm | 3 s | 2 | 1.5 |  | ≤ 1.1 | 0.1 |');
    expect(report).toContain('all at once 2 s (half were back after 1 s, 7 failed tries, 100 MiB resident)');
  });

  it('replaces its own part and keeps the words around it', () => {
    const page = 'before\n<!-- measured: begin -->\nold\n<!-- measured: end -->\nafter\n';
    const once = withReport(page, 'new');
    expect(once).toBe('before\n<!-- measured: begin -->\n\nnew\n\n<!-- measured: end -->\nafter\n');
    expect(withReport(once, 'new')).toBe(once);
    expect(() => withReport('no place', 'new')).toThrow('no place');
  });
});

describe('the table of servers', () => {
  it('has a row for each in both parts, and says where the load was the limit', () => {
    const lines = peerTable([peer('One', 0.5), peer('Two', 0.97)]);
    expect(lines).toContain('| One 1.2 | 10/s | 20/s | 30/s | 4 KiB | 5, 5, 5 µs | 6, 6, 6 µs |');
    expect(lines).toContain('| Two | d | e | o | a | r |');
    expect(lines.at(-1)).toContain('Two online; Two store; Two drain');
    expect(lines.at(-1)).not.toContain('One');
    expect(peerTable([peer('One', 0.5)]).at(-1)).toContain('room left');
  });
});
