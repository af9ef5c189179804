import type { Harness, HarnessMaker } from '../../conformance/harness.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import type { RelayStores } from '../../ports/relay-stores.ts';
import { MemoryRelayDisk } from './memory-relay-disk.ts';
import { memoryStores } from './memory-stores.ts';

const noFiles = 'memory has no files';

/** The memory adapters under test: what outlives them is a disk in memory. */
export const memoryHarness: HarnessMaker<RelayStores> = {
  missing: { files: noFiles },
  async open(): Promise<Harness<RelayStores>> {
    const clock = settableClock();
    const disk = new MemoryRelayDisk();
    let stores = memoryStores({ clock, disk });
    return {
      get stores() {
        return stores;
      },
      clock,
      async reopen() {
        await stores.close();
        stores = memoryStores({ clock, disk });
      },
      files: () => Promise.reject(new Error(noFiles)),
      close: () => stores.close(),
    };
  },
};
