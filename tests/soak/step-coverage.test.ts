import { describe, expect, it } from 'vitest';
import { coveredFromMinutes, metFromMinutes, uncoveredSteps, unmetFaults } from './step-coverage.ts';

const long = { minutes: coveredFromMinutes, planted: undefined };

describe('a soak that did not meet each step', () => {
  it('fails when it had the time, and names them', () => {
    expect(uncoveredSteps(long, ['ack.left', 'token.durable'])).toEqual([
      expect.stringMatching(/ 10 minutes: ack\.left, token\.durable$/),
    ]);
  });

  it('does not when it met all, was too short, or looked for one alone', () => {
    expect(uncoveredSteps(long, [])).toEqual([]);
    expect(uncoveredSteps({ ...long, minutes: coveredFromMinutes - 0.1 }, ['ack.left'])).toEqual([]);
    expect(uncoveredSteps({ ...long, planted: 'ack-before-commit' }, ['ack.left'])).toEqual([]);
  });
});

it('a run with a cluster that did not meet each kind of fault fails when it had the time, and names them', () => {
  const cluster = {};
  expect(unmetFaults({ minutes: metFromMinutes, cluster }, ['redis wiped', 'kafka killed'])).toEqual([
    expect.stringMatching(/ 20 minutes: redis wiped, kafka killed$/),
  ]);
  expect(unmetFaults({ minutes: metFromMinutes, cluster }, [])).toEqual([]);
  expect(unmetFaults({ minutes: metFromMinutes - 1, cluster }, ['redis wiped'])).toEqual([]);
  expect(unmetFaults({ minutes: metFromMinutes }, ['redis wiped'])).toEqual([]);
});
