import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folder that holds the repository. */
export const root = join(import.meta.dirname, '..', '..');

/** A file of the repository, as text. */
export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** The part of a page under a heading, up to the next heading of the same level or a higher one. */
export function section(page: string, heading: string): string {
  const level = /^#+/.exec(heading)?.[0].length ?? 1;
  const lines = page.split('\n');
  const from = lines.indexOf(heading);
  if (from < 0) throw new Error(`the page has no heading "${heading}"`);
  const length = lines.slice(from + 1).findIndex((line) => new RegExp(`^#{1,${level}} `).test(line));
  return lines.slice(from + 1, length < 0 ? undefined : from + 1 + length).join('\n');
}

/** The rows of the tables of a text: the cells of each, without the heads and their lines. */
export function tableRows(text: string): readonly (readonly string[])[] {
  const lines = text.split('\n');
  return lines.flatMap((line, at) => {
    if (!line.startsWith('|') || isRule(line) || isRule(lines[at + 1] ?? '')) return [];
    const cells = line.split(/(?<!\\)\|/).slice(1, -1);
    return [cells.map((cell) => cell.trim())];
  });
}

/** What stands in back quotes at the beginning of a cell. */
export function quoted(cell: string | undefined): string {
  return /^`([^`]+)`/.exec(cell ?? '')?.[1] ?? '';
}

/** The texts of a union type of a source file: `export type NAME = | 'a' | 'b';`. */
export function union(path: string, name: string): readonly string[] {
  const declared = new RegExp(`export type ${name} =([^;]*);`).exec(read(path))?.[1];
  if (declared === undefined) throw new Error(`${path} declares no ${name}`);
  return [...declared.matchAll(/^\s*\| '([^']+)'/gm)].map(([, code = '']) => code);
}

/** The code blocks of a language in a page. */
export function codeBlocks(page: string, language: string): readonly string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, code = '']) => code);
}

function isRule(line: string): boolean {
  return /^\|[\s:|-]+\|$/.test(line);
}
