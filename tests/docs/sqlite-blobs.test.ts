import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blobStoreConformance, settableClock } from '@sotto/relay-server/conformance';
import { describe, expect, it } from 'vitest';
import { SqliteBlobs } from './sqlite-blobs.ts';

async function open() {
  const folder = mkdtempSync(join(tmpdir(), 'sqlite-blobs-'));
  const stores = { blobs: new SqliteBlobs(join(folder, 'blobs.db')) };
  return {
    stores,
    clock: settableClock(),
    reopen: async () => {
      stores.blobs.close();
      stores.blobs = new SqliteBlobs(join(folder, 'blobs.db'));
    },
    files: async () => readdirSync(folder).map((name) => readFileSync(join(folder, name))),
    close: async () => {
      stores.blobs.close();
      rmSync(folder, { recursive: true });
    },
  };
}

blobStoreConformance({ describe, it, expect }, { missing: {}, open });
