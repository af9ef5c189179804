import { relative, sep } from 'node:path';
import { type SecurityRequirement, securityRequirements } from './security-requirements.ts';

/** The part of vitest's JSON report that the page is made of. */
export interface NamedTestReport {
  readonly testResults: readonly {
    /** The file. */
    readonly name: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** A requirement with what shows it. */
interface Shown {
  readonly requirement: SecurityRequirement;
  readonly files: ReadonlyMap<string, FileResult>;
}

interface FileResult {
  passed: number;
  failed: number;
  skipped: number;
}

const tag = /\[security: ([a-z0-9-]+)\]/g;

/**
 * docs/security-tests.md, made from what the tests are called and what became of them.
 * @param root the folder that paths are told from
 * @returns the page, and what is wrong: requirements that no test shows, tags that name no requirement
 */
export function securityPage(report: NamedTestReport, root: string): { page: string; problems: readonly string[] } {
  const shown = securityRequirements.map((requirement): Shown => ({ requirement, files: new Map() }));
  const byId = new Map(shown.map((entry) => [entry.requirement.id, entry.files as Map<string, FileResult>]));
  const problems: string[] = [];
  for (const { name, assertionResults } of report.testResults) {
    const file = relative(root, name).split(sep).join('/');
    for (const { fullName, status } of assertionResults) {
      for (const id of new Set([...fullName.matchAll(tag)].map((match) => match[1] ?? ''))) {
        const files = byId.get(id);
        if (files === undefined) problems.push(`${file}: [security: ${id}] names no requirement`);
        else count(files, file, status);
      }
    }
  }
  for (const { requirement, files } of shown) {
    const passed = [...files.values()].some((result) => result.passed > 0);
    if (requirement.waitsFor === undefined && !passed) problems.push(`no test shows [security: ${requirement.id}]`);
  }
  return { page: pageOf(shown), problems };
}

function count(files: Map<string, FileResult>, file: string, status: string): void {
  const result = files.get(file) ?? { passed: 0, failed: 0, skipped: 0 };
  if (status === 'passed') result.passed++;
  else if (status === 'failed') result.failed++;
  else result.skipped++;
  files.set(file, result);
}

function pageOf(shown: readonly Shown[]): string {
  const areas = [...new Set(shown.map(({ requirement }) => requirement.area))];
  const lines = [
    '# What is required, and the test that shows it',
    '',
    'Made by `npm run security-tests` from the names of the tests that it ran: do not edit. `npm test` fails when this page is not what its own run says.',
  ];
  for (const area of areas) {
    lines.push('', `## ${area}`, '', '| what goes wrong | what must hold | tests | result |', '|---|---|---|---|');
    for (const entry of shown) if (entry.requirement.area === area) lines.push(rowOf(entry));
  }
  return `${lines.join('\n')}\n`;
}

function rowOf({ requirement, files }: Shown): string {
  const { id, harm, required, waitsFor } = requirement;
  const names = [...files.keys()].sort();
  const tests = names.map((file) => `[${file}](../${file})`).join('<br>') || '-';
  const results = names.map((file) => resultOf(files.get(file))).join('<br>');
  const result = names.length > 0 ? results : waitsFor === undefined ? '**no test**' : `waits for ${waitsFor}`;
  return `| ${harm} (\`${id}\`) | ${required} | ${tests} | ${result} |`;
}

function resultOf(result: FileResult | undefined): string {
  if (result === undefined) return '';
  const parts = [
    `${result.passed} passed`,
    ...(result.failed > 0 ? [`**${result.failed} failed**`] : []),
    ...(result.skipped > 0 ? [`${result.skipped} skipped`] : []),
  ];
  return parts.join(', ');
}
