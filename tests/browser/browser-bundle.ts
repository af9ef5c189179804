import { join } from 'node:path';
import { build } from 'esbuild';

/** A module for browsers, made of the sources as an app's bundler makes it of the packages. */
export interface BrowserBundle {
  readonly code: string;
  /** What went in: paths of files, and what was left outside. */
  readonly inputs: readonly string[];
  readonly outside: readonly string[];
}

/** @param entry a file of this folder */
export async function browserBundle(entry: string): Promise<BrowserBundle> {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(import.meta.dirname, entry)],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['sotto-source', 'module'],
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const [output] = outputFiles;
  if (output === undefined) throw new Error('esbuild gave no module');
  return {
    code: output.text,
    inputs: Object.keys(metafile.inputs),
    outside: Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path)),
  };
}
