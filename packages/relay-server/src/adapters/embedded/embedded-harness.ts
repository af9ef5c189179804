import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Harness, HarnessMaker } from '../../conformance/harness.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import type { RelayStores } from '../../ports/relay-stores.ts';
import { openEmbeddedStores } from './embedded-stores.ts';

/** The embedded adapters under test, in a folder of their own that is removed afterwards. */
export const embeddedHarness: HarnessMaker<RelayStores> = {
  missing: {},
  async open(): Promise<Harness<RelayStores>> {
    const folder = await mkdtemp(join(tmpdir(), 'sotto-relay-'));
    const clock = settableClock();
    let stores = await openEmbeddedStores({ folder, clock });
    return {
      get stores() {
        return stores;
      },
      clock,
      async reopen() {
        await stores.close();
        stores = await openEmbeddedStores({ folder, clock });
      },
      files: () => filesIn(folder),
      async close() {
        await stores.close();
        await rm(folder, { recursive: true });
      },
    };
  },
};

async function filesIn(folder: string): Promise<Uint8Array[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return Promise.all(files.map((entry) => readFile(join(entry.parentPath, entry.name))));
}
