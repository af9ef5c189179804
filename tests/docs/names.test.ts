import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { read, root, union } from './pages.ts';

const pages = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** Where a name on a page may begin. */
const places = ['', 'packages/sdk/src', 'packages/relay-server/src', 'packages/storage-adapters/src', 'proto', 'docs'];

/** Made by a command or by the reader, so not in a fresh clone. */
const made = ['docs/api', 'docs/api/index.html', 'mine/bot.ts', 'mine/alice.ts'];

/** Pages without their code blocks. */
function prose(path: string): string {
  return read(path).replace(/^```[\s\S]*?^```$/gm, '');
}

/** The anchors of a page's headings, as web hosts make them. */
function anchors(path: string): readonly string[] {
  return [...read(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** What a text names that looks like a file or a folder of this repository. */
function namesIn(text: string): readonly string[] {
  const names = [...text.matchAll(/`([^`\n]+)`/g)].map(([, name = '']) => name);
  return names.filter(
    (name) =>
      (/^[\w./-]*\w\.(ts|mjs|proto|md|svg)$/.test(name) && !name.startsWith('x.')) ||
      /^(proto|packages|docs|tests|scripts|examples|bench|adapters)\/[\w./-]+$/.test(name),
  );
}

function missing(names: readonly string[], from: readonly string[]): readonly string[] {
  return names.filter((name) => !made.includes(name) && !from.some((place) => existsSync(join(root, place, name))));
}

describe.each(pages)('%s', (page) => {
  it('links to files and headings that are there', () => {
    const links = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
    const broken = links.filter((target) => {
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : join(dirname(page), path);
      return !existsSync(join(root, file)) || (anchor !== undefined && !anchors(file).includes(anchor));
    });
    expect(broken).toEqual([]);
  });

  it('names files and folders that are there', () => {
    expect(missing(namesIn(prose(page)), places)).toEqual([]);
  });

  it('names no host of a registry and no path of somebody’s machine', () => {
    expect(read(page)).not.toMatch(/registry\.\w+\.\w+|\/home\/|\/Users\/|\/root\/|\/work\//);
  });
});

describe('ARCHITECTURE.md', () => {
  const steps = [
    ...union('packages/sdk/src/ports/tracer.ts', 'ClientStep'),
    ...union('packages/relay-server/src/ports/tracer.ts', 'RelayStep'),
  ];

  it('says where each named step lies', () => {
    const named = [...read('ARCHITECTURE.md').matchAll(/(?<!\*)\*([a-z][a-z.-]+)\*(?!\*)/g)].map(([, step]) => step);
    expect(new Set(named.filter((step) => step !== 'italics'))).toEqual(new Set(steps));
  });

  it('names files in full, or from the folder at the head of their section', () => {
    const sections = prose('ARCHITECTURE.md').split(/^(?=#)/m);
    const unknown = sections.flatMap((section) => {
      const folder = /^#+ .*\((packages\/[\w/-]+)\)$/m.exec(section)?.[1];
      return missing(namesIn(section), folder === undefined ? [''] : ['', folder]);
    });
    expect(unknown).toEqual([]);
  });

  it('has every port that is a file of its own, with its suite', () => {
    const page = read('ARCHITECTURE.md');
    const suites = readdirSync(join(root, 'packages/relay-server/src/conformance'));
    const ports = readdirSync(join(root, 'packages/relay-server/src/ports')).filter(
      (name) => name !== 'index.ts' && suites.includes(name),
    );
    expect(ports.filter((port) => !page.includes(`packages/relay-server/src/conformance/${port}`))).toEqual([]);
    expect(ports.length).toBeGreaterThan(5);
  });
});
