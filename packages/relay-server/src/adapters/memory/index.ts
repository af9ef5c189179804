export { MemoryMailLog, type MemoryMailLogOptions } from './mail-log.ts';
export { MemoryLogBroker } from './memory-log-broker.ts';
export type { MemoryNodeLink } from './memory-node-link.ts';
export { MemoryNodeNetwork, type MemoryNodeNetworkOptions } from './memory-node-network.ts';
export { MemoryNodes } from './memory-nodes.ts';
export { MemoryRelayDisk, type StoredMail } from './memory-relay-disk.ts';
export { type MemoryStoresOptions, memoryStores } from './memory-stores.ts';
export { silentLogger } from './silent-logger.ts';
export { RecordingTracer, silentTracer } from './tracer.ts';
