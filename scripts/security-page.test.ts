import { describe, expect, it } from 'vitest';
import { securityPage } from './security-page.ts';
import { securityRequirements } from './security-requirements.ts';

const needed = securityRequirements.filter(({ waitsFor }) => waitsFor === undefined);
const test = (fullName: string, status = 'passed') => ({ fullName, status });
const report = (...assertionResults: { fullName: string; status: string }[]) => ({
  testResults: [{ name: '/repo/tests/x.test.ts', assertionResults }],
});
const all = needed.map(({ id }) => test(`it holds [security: ${id}]`));

describe('the page of security tests', () => {
  it('names the file and the count of each requirement', () => {
    const { page, problems } = securityPage(report(...all, test('again [security: poison]')), '/repo');
    expect(problems).toEqual([]);
    expect(page).toContain('[tests/x.test.ts](../tests/x.test.ts) | 2 passed |');
    expect(page).toContain('waits for groups');
  });

  it('misses what no test shows, and what only failed or was skipped', () => {
    const [first, second, third, ...rest] = all;
    const failing = [first, second].map((one) => test(one?.fullName ?? '', 'failed'));
    const { page, problems } = securityPage(report(...rest, ...failing), '/repo');
    const ids = needed.slice(0, 3).map(({ id }) => `no test shows [security: ${id}]`);
    expect(third).toBeDefined();
    expect(problems).toEqual(ids);
    expect(page).toContain('**1 failed**');
    expect(page).toContain('**no test**');
  });

  it('refuses a tag that names nothing', () => {
    const { problems } = securityPage(report(...all, test('odd [security: no-such-thing]')), '/repo');
    expect(problems).toEqual(['tests/x.test.ts: [security: no-such-thing] names no requirement']);
  });

  it('counts a test once, wherever its name and its suites have the tag', () => {
    const { page } = securityPage(report(...all, test('a [security: ssrf] b [security: ssrf]')), '/repo');
    expect(page).toMatch(/`ssrf`.*\| 2 passed \|/);
  });
});
