import { describe, expect, it } from 'vitest';
import { storeConformance } from '../../conformance/store.ts';
import { MemoryDisk } from './memory-disk.ts';
import { memoryStore } from './memory-store.ts';

storeConformance({ describe, expect, it }, async () => {
  const memory = new MemoryDisk();
  return {
    opener: memoryStore(memory),
    secondOpener: memoryStore(memory),
    breakLock: async () => memory.breakLock(),
    disk: {
      fill: async () => {
        memory.full = true;
      },
      free: async () => {
        memory.full = false;
      },
    },
    dispose: async () => memory.breakLock(),
  };
});
