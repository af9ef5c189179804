import { describe, expect, it } from 'vitest';
import { parseSourceFile } from './source-files.ts';
import { findProblems, type Package } from './structure.ts';

const packages: Package[] = [
  pack('@sotto/proto', 'proto', { '@sotto/proto': 'proto/src/index.ts' }),
  pack('@sotto/sdk', 'packages/sdk', {
    '@sotto/sdk': 'packages/sdk/src/index.ts',
    '#platform': 'packages/sdk/src/platform/platform.node.ts',
  }),
  pack('@sotto/relay-server', 'packages/relay-server', { '@sotto/relay-server': 'packages/relay-server/src/index.ts' }),
  pack('@sotto/tests', 'tests', {}),
];

function pack(name: string, folder: string, entries: Record<string, string>, dependencies: string[] = []): Package {
  return { name, folder, entries: new Map(Object.entries(entries)), dependencies };
}

function rulesBroken(texts: Record<string, string>, inPackages = packages): string[] {
  const files = Object.entries(texts).map(([path, text]) => parseSourceFile(path, text));
  return findProblems(files, inPackages).map(({ path, rule }) => `${rule} ${path}`);
}

const sdk = 'packages/sdk/src';

describe('a tree in order', () => {
  it('has no problem', () => {
    const texts = {
      'proto/src/index.ts': "export * from './frame.ts';",
      'proto/src/frame.ts': 'export const frame = 1;\n'.repeat(400),
      [`${sdk}/index.ts`]: "export { send } from './outbox/send.ts';",
      [`${sdk}/outbox/send.ts`]:
        "import { frame } from '@sotto/proto';\nimport type { Clock } from '../ports/clock.ts';",
      [`${sdk}/ports/clock.ts`]: 'export interface Clock { now(): number; setTimeout(callback: () => void): void }',
      [`${sdk}/platform/clock.node.ts`]: 'export const now = () => Date.now();',
      'tests/journey.test.ts':
        "import { send } from '@sotto/sdk';\nimport { relay } from '@sotto/relay-server';\nDate.now();",
    };
    expect(rulesBroken(texts)).toEqual([]);
  });
});

describe('length', () => {
  const long = 'export {};\n'.repeat(401);

  it('refuses 401 lines', () => {
    expect(rulesBroken({ [`${sdk}/outbox.ts`]: long })).toEqual([`length ${sdk}/outbox.ts`]);
  });

  it('leaves tests, declarations and conformance suites alone', () => {
    const texts = { [`${sdk}/a.test.ts`]: long, [`${sdk}/a.d.ts`]: long, [`${sdk}/conformance/store.ts`]: long };
    expect(rulesBroken(texts)).toEqual([]);
  });
});

describe('name', () => {
  it.each(['utils.ts', 'helpers.ts', 'common.ts', 'types.ts', 'utils.test.ts', 'helpers/retry.ts'])(
    'refuses %s',
    (name) => {
      expect(rulesBroken({ [`${sdk}/${name}`]: '' })).toEqual([`name ${sdk}/${name}`]);
    },
  );
});

describe('index', () => {
  it('refuses an index.ts that package.json does not export', () => {
    expect(rulesBroken({ [`${sdk}/outbox/index.ts`]: '' })).toEqual([`index-place ${sdk}/outbox/index.ts`]);
  });

  it.each(["import { a } from './index.ts';", "import type { A } from '@sotto/sdk';"])(
    'refuses %s inside the package',
    (text) => {
      expect(rulesBroken({ [`${sdk}/index.ts`]: '', [`${sdk}/a.ts`]: text })).toEqual([`index-import ${sdk}/a.ts`]);
    },
  );
});

describe('index in tests', () => {
  it('may be imported', () => {
    const texts = { [`${sdk}/index.ts`]: '', [`${sdk}/a.test.ts`]: "import { a } from './index.ts';" };
    expect(rulesBroken(texts)).toEqual([]);
  });
});

describe('direction', () => {
  it.each([
    ['proto/src/a.ts', '@sotto/sdk'],
    [`${sdk}/a.ts`, '@sotto/relay-server'],
    [`${sdk}/a.test.ts`, '@sotto/relay-server'],
    ['packages/relay-server/src/a.ts', '@sotto/sdk'],
    ['packages/relay-server/src/a.ts', '@sotto/sdk/ports'],
    [`${sdk}/a.ts`, '../../relay-server/src/relay.ts'],
    [`${sdk}/a.test.ts`, '../../relay-server/test/engines.ts'],
    ['tests/a.test.ts', '../packages/relay-server/src/relay.ts'],
  ])('refuses %s importing %s', (path, specifier) => {
    expect(rulesBroken({ [path]: `import type { A } from '${specifier}';` })).toEqual([`direction ${path}`]);
  });

  it('lets tests of other places stand on what the tests of a package stand on', () => {
    const text = "import { runningEngines } from '../packages/relay-server/test/engines.ts';";
    expect(rulesBroken({ 'tests/a.test.ts': text })).toEqual([]);
  });

  it('refuses a dependency in package.json', () => {
    const relay = pack('@sotto/relay-server', 'packages/relay-server', {}, ['fastify', '@sotto/proto', '@sotto/sdk']);
    expect(rulesBroken({}, [relay])).toEqual(['direction packages/relay-server/package.json']);
  });
});

describe('ambient', () => {
  it.each([
    'Date.now();',
    'new Date();',
    'Math.random();',
    'performance.now();',
    'setTimeout(() => {}, 1);',
    'globalThis.setInterval(() => {}, 1);',
    'const timers = { set: setTimeout };',
    'const start = setTimeout;',
    "import { setTimeout } from 'node:timers/promises';",
  ])('refuses %s', (text) => {
    expect(rulesBroken({ [`${sdk}/outbox.ts`]: text })).toEqual([`ambient ${sdk}/outbox.ts:1`]);
  });

  it.each([
    'timers.setTimeout(() => {}, 1);',
    'new Date(clock.now());',
    'interface Timers { setTimeout(): void }',
    'class Fake { setTimeout(): void {} }',
    'type Timer = ReturnType<typeof setTimeout>;',
    'const text = "Date.now()"; // Math.random()',
  ])('accepts %s', (text) => {
    expect(rulesBroken({ [`${sdk}/outbox.ts`]: text })).toEqual([]);
  });

  it.each([
    `${sdk}/platform/clock.ts`,
    'packages/relay-server/src/adapters/memory/clock.ts',
    `${sdk}/x.node.ts`,
    'bench/src/a.ts',
  ])('accepts it in %s', (path) => {
    expect(rulesBroken({ [path]: 'Date.now();' })).toEqual([]);
  });
});

describe('cycle', () => {
  it('refuses two files that import each other, by types too', () => {
    const texts = {
      [`${sdk}/a.ts`]: "import type { B } from './b.ts';",
      [`${sdk}/b.ts`]: "export { a } from './a.ts';",
    };
    expect(rulesBroken(texts)).toEqual([`cycle ${sdk}/a.ts`]);
  });

  it('refuses a longer one, over the import map', () => {
    const texts = {
      [`${sdk}/a.ts`]: "await import('./b.ts');",
      [`${sdk}/b.ts`]: "import '#platform';",
      [`${sdk}/platform/platform.node.ts`]: "import { a } from '../a.ts';",
    };
    expect(rulesBroken(texts)).toEqual([`cycle ${sdk}/a.ts`]);
  });

  it('refuses a file that imports itself', () => {
    expect(rulesBroken({ [`${sdk}/a.ts`]: "import './a.ts';" })).toEqual([`cycle ${sdk}/a.ts`]);
  });
});
