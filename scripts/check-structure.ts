import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { readSourceFiles } from './source-files.ts';
import { findProblems, type Package } from './structure.ts';

// Holds the rules of the house that no linter knows: see structure.ts. Prints each problem and exits 1 when there is one.

interface Manifest {
  readonly name: string;
  readonly workspaces?: readonly string[];
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly imports?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const root = join(import.meta.dirname, '..');

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
}

function readPackage(folder: string): Package {
  const { name, exports = {}, imports = {}, ...manifest } = readManifest(folder);
  const entries = new Map<string, string>();
  for (const [key, target] of [...Object.entries(exports), ...Object.entries(imports)]) {
    const source = typeof target === 'string' ? undefined : target['sotto-source'];
    const specifier = key.startsWith('#') ? key : posix.join(name, key);
    if (source !== undefined) entries.set(specifier, posix.join(folder, source));
  }
  const { dependencies, devDependencies, peerDependencies } = manifest;
  return {
    name,
    folder,
    entries,
    dependencies: Object.keys({ ...dependencies, ...devDependencies, ...peerDependencies }),
  };
}

const files = readSourceFiles(root);
const packages = (readManifest('.').workspaces ?? []).map(readPackage);
const problems = findProblems(files, packages);

for (const { path, rule, message } of problems) console.log(`${path}: ${message} (${rule})`);
console.log(`structure: ${files.length} files, ${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;
