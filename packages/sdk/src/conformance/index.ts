export type { ConformanceRunner } from './runner.ts';
export { storeConformance } from './store.ts';
export type { MakeStoreHarness, StoreHarness } from './store-harness.ts';
