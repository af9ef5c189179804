import type { Store, StoreOpening } from '../ports/store.ts';
import type { MakeStoreHarness, StoreHarness } from './store-harness.ts';

/** A case's store, open. */
export interface OpenStore {
  readonly harness: StoreHarness;
  readonly store: Store;
  readonly opening: StoreOpening;
}

/** A case with an empty open store, which is closed and removed at its end. */
export function withStore(
  makeHarness: MakeStoreHarness,
  body: (open: OpenStore) => Promise<void>,
): () => Promise<void> {
  return async () => {
    const harness = await makeHarness();
    try {
      const { store, opening } = await harness.opener.open();
      try {
        await body({ harness, store, opening });
      } finally {
        await store.close();
      }
    } finally {
      await harness.dispose();
    }
  };
}
