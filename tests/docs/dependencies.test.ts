import { describe, expect, it } from 'vitest';
import { quoted, read, section, tableRows } from './pages.ts';

interface Manifest {
  readonly workspaces?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  /** What an app installs itself, if it wants it. */
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const page = read('docs/dependencies.md');
const published = [
  'proto',
  'packages/libsignal-wasm',
  'packages/sdk',
  'packages/storage-adapters',
  'packages/relay-server',
  'packages/testing',
];

function manifest(folder: string): Manifest {
  return JSON.parse(read(folder === '' ? 'package.json' : `${folder}/package.json`));
}

function foreign(dependencies: Readonly<Record<string, string>> = {}): readonly [string, string][] {
  return Object.entries(dependencies).filter(([name]) => !name.startsWith('@sotto/'));
}

describe('docs/dependencies.md', () => {
  it('has what the packages bring along, with versions and users', () => {
    const used = new Map<string, string>();
    for (const folder of published) {
      const { dependencies, peerDependencies } = manifest(folder);
      for (const [name, version] of foreign({ ...dependencies, ...peerDependencies })) {
        const users = used.get(name)?.split(' by ')[1];
        const user = folder.replace('packages/', '');
        used.set(name, `${version} by ${users === undefined ? user : `${users}, ${user}`}`);
      }
    }
    const rows = tableRows(section(page, '## What an app or a relay brings along'));
    expect(new Map(rows.map(([name, version, by]) => [quoted(name), `${version} by ${by}`]))).toEqual(used);
  });

  it('has what development needs, with versions', () => {
    const folders = ['', ...(manifest('').workspaces ?? [])];
    const used = new Map(folders.flatMap((folder) => foreign(manifest(folder).devDependencies)));
    for (const folder of folders) for (const [name] of foreign(manifest(folder).peerDependencies)) used.delete(name);
    const rows = tableRows(section(page, '## What only development needs'));
    expect(new Map(rows.map(([name, version]) => [quoted(name), version]))).toEqual(used);
  });
});
