import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultShape, membersOf, portsOf } from './engine-shape.ts';
import { versitygwVersion } from './installed-programs.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** What a pom.xml names: group, artifact and version of each dependency. */
const dependencies = ['kafka', 'cassandra'].flatMap((engine) => {
  const pom = read(`scripts/engines/${engine}/pom.xml`);
  return [...pom.matchAll(/<dependency>\s*<groupId>(.*)<.*\s*<artifactId>(.*)<.*\s*<version>(.*)</g)];
});

describe('the versions of the engines', () => {
  it('stand in docs/dependencies.md', () => {
    const page = read('docs/dependencies.md');
    expect(dependencies).toHaveLength(3);
    for (const [, group, artifact, version] of dependencies) {
      expect(page).toContain(`| \`${group}:${artifact}\` | ${version} |`);
    }
    expect(page).toContain(`| \`github.com/versity/versitygw\` | ${versitygwVersion} |`);
  });

  it('stand in docs/engines.md', () => {
    const page = read('docs/engines.md');
    const main = dependencies.filter(([, , artifact]) => artifact !== 'log4j-slf4j-impl');
    for (const [, , artifact = '', version] of main) {
      const name = artifact.startsWith('kafka') ? 'Kafka' : 'Cassandra';
      expect(page).toContain(`| ${name} | ${version} |`);
    }
    expect(page).toContain(`| versitygw (S3) | ${versitygwVersion} |`);
  });
});

it('docs/engines.md has each port', () => {
  const ports = read('docs/engines.md')
    .split('\n## ')
    .find((part) => part.startsWith('Ports\n'));
  const uses = membersOf({ ...defaultShape, brokers: 3, nodes: 3 }).flatMap(portsOf);
  for (const { user, port } of uses) expect(ports, user).toContain(String(port));
});
