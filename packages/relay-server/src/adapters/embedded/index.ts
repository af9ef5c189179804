export { type EmbeddedStoresOptions, openEmbeddedStores } from './embedded-stores.ts';
