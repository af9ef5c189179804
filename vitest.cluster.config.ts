import { defineConfig } from 'vitest/config';

// What needs the real engines: `npm run engines -- up` brings them up. `npm test` leaves these out.
// Without `module`: packages are loaded as Node loads them, and some have files under that condition that only bundlers can read.
const conditions = ['sotto-source', 'node', 'development|production'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    environment: 'node',
    pool: 'forks',
    maxWorkers: 2,
    include: ['**/src/**/*.cluster.test.ts', '**/test/**/*.cluster.test.ts', 'tests/**/*.cluster.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
