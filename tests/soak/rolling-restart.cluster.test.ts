import { expect, it } from 'vitest';
import { runningEngines } from '../../packages/relay-server/test/engines.ts';
import { soak } from './soak.ts';
import { reportOf } from './soak-report.ts';

it('P1 P2: nodes that are stopped and started one after the other, and one that joins, lose nothing and repeat nothing', async () => {
  const addresses = runningEngines();
  const said: string[] = [];
  const outcome = await soak(
    {
      minutes: 1,
      seed: 1,
      clients: 2,
      rate: 20,
      planted: undefined,
      paced: false,
      oneDevice: false,
      cluster: { brokers: 1, nodes: 1, ports: 0, engines: undefined, addresses, rolling: true },
    },
    (line) => void said.push(line),
  );
  const report = [...said, ...reportOf(outcome, 1)];
  expect(outcome.verdict.counts.accepted, report.join('\n')).toBeGreaterThan(20);
  expect(outcome.problems, report.join('\n')).toEqual([]);
  expect(report.at(-1), report.join('\n')).toMatch(/^soak: ok .* lost=0 unexpected=0 duplicated=0 misordered=0/);
}, 600_000);
