import { expect, it } from 'vitest';
import { lateAdvice } from './late-advice.ts';

it('an engine that does not answer in time is named, with its log and what to do', () => {
  const said = lateAdvice(
    'cassandra-1',
    '.engines/logs/cassandra-1.log',
    new Error('it does not answer for 300 s: none'),
  );
  expect(said).toContain('cassandra-1: it does not answer for 300 s: none');
  expect(said).toContain('logs to .engines/logs/cassandra-1.log');
  expect(said).toContain('`up` once more');
});
