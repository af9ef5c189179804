import { defineConfig } from 'tsup';

/** The build of every published package: ES modules with types, one output file for each entry, nothing of a dependency inlined. */
export function sottoPackage(
  entry: Record<string, string>,
  options: { external?: string[]; tsconfig?: string; sourcemap?: boolean } = {},
): ReturnType<typeof defineConfig> {
  return defineConfig({
    entry,
    format: ['esm'],
    target: 'es2023',
    platform: 'node',
    removeNodeProtocol: false,
    dts: true,
    sourcemap: options.sourcemap ?? true,
    clean: true,
    splitting: true,
    treeshake: false,
    tsconfig: options.tsconfig ?? 'tsconfig.json',
    external: options.external ?? [],
    silent: true,
  });
}
