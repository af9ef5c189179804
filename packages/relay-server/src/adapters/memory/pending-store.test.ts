import { describe, expect, it } from 'vitest';
import { pendingStoreConformance } from '../../conformance/pending-store.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import { MemoryPendingStore } from './pending-store.ts';

const nothing = 'memory has no files, and ends with its process';

describe('memory', () => {
  pendingStoreConformance(
    { describe, it, expect },
    {
      missing: { files: nothing, reopen: nothing },
      open: async () => ({
        stores: { pending: new MemoryPendingStore() },
        clock: settableClock(),
        reopen: () => Promise.reject(new Error(nothing)),
        files: () => Promise.reject(new Error(nothing)),
        close: () => Promise.resolve(),
      }),
    },
  );
});
