import { posix } from 'node:path';
import type { SourceFile } from './source-files.ts';

/** A workspace package, from its package.json. */
export interface Package {
  readonly name: string;
  /** From the root of the repository. */
  readonly folder: string;
  /** Source files that its `exports`, by subpath, and `imports`, by name, point to, from the root of the repository. */
  readonly entries: ReadonlyMap<string, string>;
  readonly dependencies: readonly string[];
}

/** What stands where it should not. */
export interface Problem {
  readonly path: string;
  readonly rule: string;
  readonly message: string;
}

const maxLines = 400;
const dumpingGrounds = new Set(['util', 'utils', 'helper', 'helpers', 'common', 'misc', 'types']);

/** Which packages of ours each may use. Those that are not named (tests, examples, benches) may use all. */
const allowedDependencies: Readonly<Record<string, readonly string[]>> = {
  '@sotto/proto': [],
  '@sotto/libsignal-wasm': [],
  '@sotto/sdk': ['@sotto/proto', '@sotto/libsignal-wasm'],
  '@sotto/storage-adapters': ['@sotto/proto', '@sotto/sdk'],
  '@sotto/relay-server': ['@sotto/proto'],
  '@sotto/testing': ['@sotto/proto', '@sotto/sdk', '@sotto/storage-adapters', '@sotto/relay-server'],
};

/** Applies every rule of the house to the files and packages. */
export function findProblems(files: readonly SourceFile[], packages: readonly Package[]): Problem[] {
  return [
    ...files.flatMap(checkLength),
    ...files.flatMap(checkName),
    ...files.flatMap((file) => checkIndexPlace(file, packages)),
    ...files.flatMap((file) => checkIndexImports(file, files, packages)),
    ...files.flatMap((file) => checkDirection(file, packages)),
    ...packages.flatMap(checkManifest),
    ...files.flatMap(checkAmbient),
    ...findCycles(files, packages),
  ];
}

function checkLength({ path, lines }: SourceFile): Problem[] {
  const free = isTest(path) || path.endsWith('.d.ts') || path.includes('/conformance/');
  if (lines <= maxLines || free) return [];
  return [{ path, rule: 'length', message: `${lines} lines, at most ${maxLines}: one noun per file` }];
}

function checkName({ path }: SourceFile): Problem[] {
  const bad = path.split('/').find((part) => dumpingGrounds.has(part.replace(/(\.(test|d|node|browser))?\.ts$/, '')));
  return bad === undefined ? [] : [{ path, rule: 'name', message: `"${bad}" names no concept` }];
}

function checkIndexPlace({ path }: SourceFile, packages: readonly Package[]): Problem[] {
  if (posix.basename(path) !== 'index.ts') return [];
  const owner = packageOf(path, packages);
  if (owner === undefined || [...owner.entries.values()].includes(path)) return [];
  return [{ path, rule: 'index-place', message: 'an index.ts stands only where package.json exports it' }];
}

/** Whether a file is there for tests only. */
function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || /^packages\/[^/]+\/test\//.test(path) || path.startsWith('tests/');
}

/** Tests may come through the front door: they close no circle. */
function checkIndexImports(file: SourceFile, files: readonly SourceFile[], packages: readonly Package[]): Problem[] {
  if (isTest(file.path)) return [];
  const owner = packageOf(file.path, packages);
  return resolveImports(file, files, packages)
    .filter(({ target }) => posix.basename(target) === 'index.ts' && packageOf(target, packages) === owner)
    .map(({ specifier }) => ({
      path: file.path,
      rule: 'index-import',
      message: `imports its own package's front door "${specifier}": import the file that has the name`,
    }));
}

function checkDirection(file: SourceFile, packages: readonly Package[]): Problem[] {
  const owner = packageOf(file.path, packages);
  if (owner === undefined) return [];
  return file.imports.flatMap((specifier) => {
    if (specifier.startsWith('.')) {
      const target = posix.join(posix.dirname(file.path), specifier);
      const inside = target.startsWith(`${owner.folder}/`) || !isSource(file, owner) || isShared(target, owner);
      return inside
        ? []
        : [{ path: file.path, rule: 'direction', message: `"${specifier}" leaves the package: import it by its name` }];
    }
    const used = packages.find((candidate) => isOf(specifier, candidate));
    if (used === undefined || used === owner || mayUse(owner.name, used.name)) return [];
    return [{ path: file.path, rule: 'direction', message: `${owner.name} may not use ${used.name}` }];
  });
}

/** What the tests of a package stand on, such as where the engines are, is there for tests and benches of other places too. */
function isShared(target: string, { name }: Package): boolean {
  return allowedDependencies[name] === undefined && /^packages\/[^/]+\/test\//.test(target);
}

/** Tool configuration beside `src` may reach what the packages share. */
function isSource(file: SourceFile, owner: Package): boolean {
  return !file.path.endsWith('.config.ts') || file.path.startsWith(`${owner.folder}/src/`);
}

function checkManifest({ name, folder, dependencies }: Package): Problem[] {
  return dependencies
    .filter((dependency) => dependency.startsWith('@sotto/') && !mayUse(name, dependency))
    .map((dependency) => ({
      path: `${folder}/package.json`,
      rule: 'direction',
      message: `${name} may not depend on ${dependency}`,
    }));
}

function mayUse(user: string, used: string): boolean {
  return allowedDependencies[user]?.includes(used) ?? true;
}

function checkAmbient({ path, ambient }: SourceFile): Problem[] {
  const free =
    isTest(path) ||
    /\.(node|browser|config|d)\.ts$|\/(platform|adapters)\//.test(path) ||
    /^(examples|bench|scripts)\//.test(path);
  if (free) return [];
  return ambient.map((use) => {
    const [name, line] = use.split(':');
    return {
      path: `${path}:${line}`,
      rule: 'ambient',
      message: `${name} is not injected: take a clock, timers or randomness`,
    };
  });
}

/** Finds groups of files that import each other, type-only imports included. Each group is one problem. */
function findCycles(files: readonly SourceFile[], packages: readonly Package[]): Problem[] {
  const targets = new Map(
    files.map((file) => [file.path, resolveImports(file, files, packages).map(({ target }) => target)]),
  );
  // Tarjan's strongly connected components.
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const cycles: string[][] = [];
  const visit = (path: string): number => {
    const index = order.size;
    order.set(path, index);
    stack.push(path);
    let lowest = index;
    for (const target of targets.get(path) ?? []) {
      const seen = order.get(target);
      if (seen === undefined) lowest = Math.min(lowest, visit(target));
      else if (stack.includes(target)) lowest = Math.min(lowest, seen);
    }
    low.set(path, lowest);
    if (lowest === index) {
      const group = stack.splice(stack.indexOf(path));
      if (group.length > 1 || targets.get(path)?.includes(path)) cycles.push(group);
    }
    return lowest;
  };
  for (const { path } of files) if (!order.has(path)) visit(path);
  return cycles.map((group) => {
    const [path = '', ...rest] = group.sort();
    return { path, rule: 'cycle', message: `in an import cycle with ${rest.join(', ') || 'itself'}` };
  });
}

/** Resolves what a file imports of this repository; the rest (npm packages, node:) falls out. */
function resolveImports(
  file: SourceFile,
  files: readonly SourceFile[],
  packages: readonly Package[],
): { specifier: string; target: string }[] {
  const known = pathsOf(files);
  const owner = packageOf(file.path, packages);
  return file.imports.flatMap((specifier) => {
    const target = specifier.startsWith('.')
      ? posix.join(posix.dirname(file.path), specifier)
      : specifier.startsWith('#')
        ? owner?.entries.get(specifier)
        : packages.find((candidate) => isOf(specifier, candidate))?.entries.get(specifier);
    return target !== undefined && known.has(target) ? [{ specifier, target }] : [];
  });
}

const pathSets = new WeakMap<readonly SourceFile[], ReadonlySet<string>>();

function pathsOf(files: readonly SourceFile[]): ReadonlySet<string> {
  const known = pathSets.get(files) ?? new Set(files.map((file) => file.path));
  pathSets.set(files, known);
  return known;
}

function packageOf(path: string, packages: readonly Package[]): Package | undefined {
  return packages.find(({ folder }) => path.startsWith(`${folder}/`));
}

function isOf(specifier: string, { name }: Package): boolean {
  return specifier === name || specifier.startsWith(`${name}/`);
}
