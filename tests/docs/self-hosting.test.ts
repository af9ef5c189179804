import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDocsRelay } from './docs-relay.ts';
import { quoted, read, root, section, tableRows } from './pages.ts';

const page = read('docs/self-hosting.md');
const relaySources = 'packages/relay-server/src';

/** What the command itself says of its settings. */
function helpText(): string {
  const bin = join(root, relaySources, 'bin.ts');
  return execFileSync(process.execPath, ['--conditions=sotto-source', bin, '--help'], { encoding: 'utf8' });
}

function sourceFiles(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => `${folder}/${name}`);
}

describe('docs/self-hosting.md says what the relay is', () => {
  it('keys, variables, defaults and values of the settings', () => {
    const settings = [...helpText().matchAll(/^ {2}(\S+) \((SOTTO_\w+)\)\n {6}(.*); default (.*)$/gm)];
    const documented = tableRows(section(page, '## Settings')).filter((cells) => cells.length === 5);
    expect(
      documented.map(([key, variable, fallback, takes]) => [quoted(key), quoted(variable), takes, quoted(fallback)]),
    ).toEqual(settings.map(([, key, variable, takes, fallback]) => [key, variable, takes, fallback]));
  });

  it('flags', () => {
    const flags = new Set([...helpText().matchAll(/--[a-z]+/g)].map(([flag]) => flag));
    const documented = tableRows(section(page, '## Settings')).filter((cells) => cells.length === 2);
    expect(new Set(documented.map(([flag]) => quoted(flag).split(' ')[0]))).toEqual(flags);
  });

  it('the config file of the example is taken', async () => {
    const [example = ''] = [...page.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code);
    const { loadConfig } = await import('@sotto/relay-server');
    expect(loadConfig({ file: { path: 'example', text: example } }).codes.sender).toBe('webhook');
  });

  it('every config file of an example is taken, that of a cluster too', async () => {
    const examples = [...page.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code);
    const { loadConfig } = await import('@sotto/relay-server');
    const stores = examples.map((text) => loadConfig({ file: { path: 'example', text } }).store);
    expect(stores.sort()).toEqual(['cluster', 'embedded', 'embedded']);
  });

  it('metrics', async () => {
    await using relay = await openDocsRelay();
    const text = await (await fetch(`${relay.url}/metrics`)).text();
    const served = [...text.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name, help]) => [name, help]);
    const documented = tableRows(section(page, '## Health, drain, metrics')).map(([name, help]) => [
      quoted(name),
      help,
    ]);
    expect(new Map(documented as [string, string][])).toEqual(new Map(served as [string, string][]));
  });

  it('metrics of a node of a cluster', () => {
    const made = sourceFiles(`${relaySources}/metrics`)
      .filter((path) => !/\/(relay-counts|failure-log)\.ts$/.test(path))
      .flatMap((path) => [
        ...read(path).matchAll(/(?:counters?|gauge|histogram)\(\s*(?:metrics,\s*)?'(relay_\w+)',\s*'([^']+)'/g),
      ])
      .map(([, name, help]) => `${name} ${help}`);
    const documented = tableRows(section(page, '## Watching a cluster'))
      .filter((cells) => cells.length === 3 && !cells[0]?.includes('relay_cluster_'))
      .map(([name, , help]) => `${quoted(name)} ${help}`);
    expect(new Set(documented)).toEqual(new Set(made));
  });

  it('log events with their levels and fields', () => {
    const logged = sourceFiles(relaySources).flatMap((path) =>
      [...read(path).matchAll(/logger\.(debug|info|warn|error)\(\s*'([^']+)'(?:,\s*\{([^}]*)\})?/g)].map(
        ([, level, event, fields = '']) =>
          `${event} ${level} ${[...fields.matchAll(/(?:^|,)\s*(\w+)/g)].map(([, name]) => name).join(' ')}`,
      ),
    );
    const failures = read(`${relaySources}/dispatch/node-failure.ts`).matchAll(/^ {2}'([a-z.-]+)': '(warn|error)',$/gm);
    for (const [, event, level] of failures) logged.push(`${event} ${level} code count`);
    const documented = tableRows(section(page, '## Logs')).map(
      ([event, level, fields = '']) => `${quoted(event)} ${level} ${fields.replaceAll('`', '').replaceAll(',', '')}`,
    );
    expect(new Set(documented)).toEqual(new Set(logged));
  });
});
