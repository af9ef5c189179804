// What tests of other workspaces take of a cluster beside what the package exports: they may import these folders, and no sources.
export { makeLogTopics } from '../src/adapters/kafka/topics.ts';
export { removeKeys } from '../src/adapters/redis/redis-harness.ts';
export { openNodeParts } from '../src/cluster-relay.ts';
export { engineOptions } from '../src/engine-options.ts';
export { topicTerms } from '../src/log-terms.ts';
export { migrateCluster } from '../src/migrate-cluster.ts';
export { systemClock } from '../src/platform/system-clock.ts';
