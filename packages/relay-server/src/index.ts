export { consoleCodeSender } from './adapters/codes/console-code-sender.ts';
export { type WebhookOptions, webhookCodeSender } from './adapters/codes/webhook-code-sender.ts';
export { type LogSink, pinoLogger } from './adapters/logging/pino-logger.ts';
export { prometheusMetrics } from './adapters/metrics/prometheus-metrics.ts';
export { type ClusterKeyMarks, type ClusterKeys, marksOf, readClusterKeys } from './cluster-keys.ts';
export { type ClusterRelayParts, createClusterRelay } from './cluster-node.ts';
export { type ClusterRelayOptions, openClusterRelay } from './cluster-relay.ts';
export type { CassandraConfig, ClusterConfig, KafkaConfig, RedisConfig } from './config/cluster-config.ts';
export { type ConfigSources, loadConfig } from './config/load-config.ts';
export type {
  CodesConfig,
  ConnectionsConfig,
  LimitsConfig,
  LogLevel,
  MailboxConfig,
  RelayConfig,
  StreamConfig,
} from './config/relay-config.ts';
export { type EmbeddedRelayOptions, openEmbeddedRelay } from './embedded-relay.ts';
export { type MigrateParts, migrateCluster } from './migrate-cluster.ts';
export { type OpenEnginesParts, openEngines } from './open-engines.ts';
export { systemClock } from './platform/system-clock.ts';
export { systemRandomness } from './platform/system-randomness.ts';
export { systemTimers } from './platform/system-timers.ts';
export type { RelayAddress, RelayListener } from './ports/relay-listener.ts';
export { createRelay, type Relay, type RelayParts } from './relay.ts';
export { RelayError, type RelayErrorCode, type RelayErrorOptions } from './relay-error.ts';
export { relayVersion } from './relay-version.ts';
