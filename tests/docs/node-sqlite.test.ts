import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeConformance } from '@sotto/sdk/conformance';
import { sqlDriverConformance } from '@sotto/storage-adapters/conformance';
import { sqlStore } from '@sotto/storage-adapters/driver';
import { describe, expect, it } from 'vitest';
import { nodeSqliteDriver } from './node-sqlite-driver.ts';

const runner = { describe, it, expect };
async function makeHarness() {
  const folder = mkdtempSync(join(tmpdir(), 'node-sqlite-'));
  const path = join(folder, 'client.db');
  return { path, opener: nodeSqliteDriver(path), dispose: async () => rmSync(folder, { recursive: true }) };
}

sqlDriverConformance(runner, makeHarness);
storeConformance(runner, async () => {
  const { path, opener, dispose } = await makeHarness();
  const disk = { skipped: 'the sample has no way to fill a disk' };
  return {
    opener: sqlStore(opener),
    secondOpener: sqlStore(opener),
    breakLock: async () => rmSync(`${path}-lock`),
    disk,
    dispose,
  };
});
