export { MemoryDisk } from './adapters/memory/memory-disk.ts';
export { memoryStore } from './adapters/memory/memory-store.ts';
export type { SottoErrorCode, SottoErrorOptions } from './sotto-error.ts';
export { SottoError } from './sotto-error.ts';
