import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const packages = [
  'proto',
  'packages/libsignal-wasm',
  'packages/sdk',
  'packages/storage-adapters',
  'packages/relay-server',
];

interface Manifest {
  name: string;
  exports: Record<string, string | Record<string, string>>;
}

describe.each(packages)('%s', (folder) => {
  const manifest: Manifest = JSON.parse(readFileSync(new URL(`../${folder}/package.json`, import.meta.url), 'utf8'));
  const entries = Object.keys(manifest.exports).filter((entry) => entry !== './package.json');

  it.each(entries)('entry %s can be imported', async (entry) => {
    const loaded: unknown = await import(/* @vite-ignore */ `${manifest.name}${entry.slice(1)}`);
    expect(loaded).toBeTypeOf('object');
  });
});
