import { defineConfig } from 'vitest/config';
import { filesLeftOut } from './tests/cluster/left-out.ts';

// What needs the real engines: `npm run engines -- up` brings them up. `npm test` leaves these out.
// Without `module`: packages are loaded as Node loads them, and some have files under that condition that only bundlers can read.
const conditions = ['sotto-source', 'node', 'development|production'];
const nowhere = ['**/node_modules/**', '**/dist/**'];
const timeouts = { testTimeout: 120_000, hookTimeout: 120_000 };

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    environment: 'node',
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'engines',
          include: ['**/src/**/*.cluster.test.ts', '**/test/**/*.cluster.test.ts', 'tests/**/*.cluster.test.ts'],
          exclude: nowhere,
          ...timeouts,
        },
      },
      {
        extends: true,
        // The journeys of one relay, through two nodes of a cluster.
        test: {
          name: 'journeys',
          include: ['tests/journeys/*.test.ts'],
          exclude: [...nowhere, ...Object.keys(filesLeftOut).map((name) => `tests/journeys/${name}`)],
          globalSetup: ['tests/cluster/global-setup.ts'],
          setupFiles: ['tests/cluster/engine-setup.ts'],
          ...timeouts,
        },
      },
    ],
  },
});
