import type { StoreOpener } from '../ports/store.ts';

/** An empty store of the adapter under test, and what can happen to it. */
export interface StoreHarness {
  /** Opens the store; what it holds survives closing and opening again. */
  readonly opener: StoreOpener;
  /** Another opener of the same data, as a second process has. */
  readonly secondOpener: StoreOpener;
  /** Makes the lock of the present owner vanish, without its knowledge. */
  breakLock(): Promise<void>;
  /** A disk that runs full under the store while it is open, or the reason why that can't be tried. */
  readonly disk: { fill(): Promise<void>; free(): Promise<void> } | { readonly skipped: string };
  /** Removes what is left. The stores are closed by then. */
  dispose(): Promise<void>;
}

/** Makes the harness of one case. */
export type MakeStoreHarness = () => Promise<StoreHarness>;
