import type { Harness, HarnessMaker } from '../../conformance/harness.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import type { RelayStores } from '../../ports/relay-stores.ts';
import { memoryStores } from './memory-stores.ts';

const absent = 'memory ends with its process';

/** The memory adapters under test. */
export const memoryHarness: HarnessMaker<RelayStores> = {
  missing: { reopen: absent, files: absent },
  async open(): Promise<Harness<RelayStores>> {
    const clock = settableClock();
    const stores = memoryStores({ clock });
    const refuse = () => Promise.reject(new Error(absent));
    return { stores, clock, reopen: refuse, files: refuse, close: () => stores.close() };
  },
};
