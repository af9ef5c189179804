import { describe, expect, it } from 'vitest';
import { coveredFromMinutes, uncoveredSteps } from './step-coverage.ts';

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
