export { MemoryDisk, memoryStore } from '@sotto/sdk';
