import type { ConformanceRunner } from './runner.ts';
import { storeCommitCases } from './store-commits.ts';
import { storeGroupCases } from './store-groups.ts';
import type { MakeStoreHarness } from './store-harness.ts';
import { storeOwnerCases } from './store-owners.ts';
import { storeQueryCases } from './store-queries.ts';
import { storeRecordCases } from './store-records.ts';

/**
 * Holds an adapter to the port `Store`: register it inside a test file of your runner.
 *
 * ```ts
 * import { describe, expect, it } from 'vitest';
 * storeConformance({ describe, expect, it }, makeHarness);
 * ```
 */
export function storeConformance(runner: ConformanceRunner, makeHarness: MakeStoreHarness): void {
  runner.describe('Store', () => {
    storeRecordCases(runner, makeHarness);
    storeCommitCases(runner, makeHarness);
    storeQueryCases(runner, makeHarness);
    storeGroupCases(runner, makeHarness);
    storeOwnerCases(runner, makeHarness);
  });
}
