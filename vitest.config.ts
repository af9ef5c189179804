import { defineConfig } from 'vitest/config';

// Workspace packages are tested from their sources; only the code generated from proto/ has to be there.
const conditions = ['sotto-source', 'module', 'node', 'development|production'];

const project = (name: string, root: string, include: string[], testTimeout = 30_000) => ({
  extends: true as const,
  root,
  // What needs the real engines has a configuration of its own: vitest.cluster.config.ts.
  test: {
    name,
    include,
    exclude: ['**/node_modules/**', '**/*.cluster.test.ts'],
    testTimeout,
    hookTimeout: testTimeout,
  },
});

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    environment: 'node',
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      project('proto', 'proto', ['src/**/*.test.ts']),
      project('sdk', 'packages/sdk', ['src/**/*.test.ts']),
      project(
        'libsignal-wasm',
        'packages/libsignal-wasm',
        ['src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts'],
        120_000,
      ),
      project('storage-adapters', 'packages/storage-adapters', ['src/**/*.test.ts']),
      project('relay-server', 'packages/relay-server', ['src/**/*.test.ts', 'test/**/*.test.ts']),
      project('testing', 'packages/testing', ['src/**/*.test.ts', 'test/**/*.test.ts']),
      project('demo', 'examples/demo', ['src/**/*.test.ts']),
      project('echo-bot', 'examples/echo-bot', ['src/**/*.test.ts']),
      // Its journeys start programs, one after the other.
      project('cli-chat', 'examples/cli-chat', ['src/**/*.test.ts'], 120_000),
      project('bench', 'bench', ['src/**/*.test.ts']),
      project('scripts', 'scripts', ['**/*.test.ts']),
      project('journeys', 'tests', ['**/*.test.ts'], 120_000),
    ],
  },
});
