import { describe, expect, it } from 'vitest';
import { countLine, countTests, type TestReport } from './test-counts.ts';

function report(change: Partial<TestReport>): TestReport {
  return { numPassedTests: 3, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [], ...change };
}

describe('countTests', () => {
  it('sums skipped and todo', () => {
    expect(countTests(report({ numPendingTests: 2, numTodoTests: 1 }))).toEqual({ passed: 3, failed: 0, skipped: 3 });
  });

  it('counts a file that does not load as a failure', () => {
    const testResults = [{ status: 'failed', assertionResults: [] }];
    expect(countTests(report({ testResults })).failed).toBe(1);
  });

  it('counts a file whose hook failed, though its tests were skipped', () => {
    const testResults = [{ status: 'failed', assertionResults: [{ status: 'skipped' }] }];
    expect(countTests(report({ testResults })).failed).toBe(1);
  });

  it('does not count a failed test twice', () => {
    const testResults = [{ status: 'failed', assertionResults: [{ status: 'passed' }, { status: 'failed' }] }];
    expect(countTests(report({ numFailedTests: 1, testResults })).failed).toBe(1);
  });
});

describe('countLine', () => {
  it('names all three', () => {
    expect(countLine({ passed: 1, failed: 0, skipped: 2 })).toBe('1 passed, 0 failed, 2 skipped');
  });
});
