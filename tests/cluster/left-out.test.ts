import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ViteUserConfig } from 'vitest/config';
import { filesLeftOut, journeysLeftOut } from './left-out.ts';

const journeys = join(import.meta.dirname, '..', 'journeys');
const settings = join(import.meta.dirname, '..', '..', 'vitest.cluster.config.ts');
const files = readdirSync(journeys).filter((name) => name.endsWith('.test.ts'));

describe('the journeys that go through a cluster', () => {
  it('are all but those of the list', async () => {
    const { default: cluster }: { readonly default: ViteUserConfig } = await import(settings);
    const test = (cluster.test?.projects ?? [])
      .flatMap((project) => (typeof project === 'object' && 'test' in project ? [project.test] : []))
      .find((each) => each?.name === 'journeys');
    expect(test?.include).toEqual(['tests/journeys/*.test.ts']);
    const left = test?.exclude?.filter((pattern) => !pattern.startsWith('**/'));
    expect(left).toEqual(Object.keys(filesLeftOut).map((name) => `tests/journeys/${name}`));
  });

  it('have what the list names, each with a reason', () => {
    expect(Object.keys(filesLeftOut).filter((name) => !files.includes(name))).toEqual([]);
    for (const [name, alone] of Object.entries(journeysLeftOut)) {
      const source = readFileSync(join(journeys, name), 'utf8');
      expect(Object.keys(alone).filter((title) => !source.includes(title))).toEqual([]);
    }
    const reasons = [filesLeftOut, ...Object.values(journeysLeftOut)].flatMap((each) => Object.values(each));
    expect(reasons.filter((reason) => reason.length < 20)).toEqual([]);
  });
});
