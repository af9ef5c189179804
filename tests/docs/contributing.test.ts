import { describe, expect, it } from 'vitest';
import { codeBlocks, read } from './pages.ts';

const samples = [
  'tests/docs/node-sqlite-driver.ts',
  'tests/docs/node-sqlite.test.ts',
  'tests/docs/sqlite-blobs.ts',
  'tests/docs/sqlite-blobs.test.ts',
];

describe('CONTRIBUTING.md', () => {
  it.each(samples)('shows %s as it is', (path) => {
    expect(codeBlocks(read('CONTRIBUTING.md'), 'ts')).toContain(read(path));
  });

  it('names commands that are there', () => {
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(read('package.json'));
    const named = [...read('CONTRIBUTING.md').matchAll(/`npm (?:run )?([a-z]+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});
