import { pinoLogger } from './adapters/logging/pino-logger.ts';
import { silentTracer } from './adapters/memory/tracer.ts';
import { prometheusMetrics } from './adapters/metrics/prometheus-metrics.ts';
import type { NodeCredentials } from './adapters/node-link/node-credentials.ts';
import { TlsNodeLink, type TlsNodeLinkOptions } from './adapters/node-link/tls-node-link.ts';
import { marksOf, readClusterKeys } from './cluster-keys.ts';
import { type ClusterRelayParts, createClusterRelay } from './cluster-node.ts';
import type { ClusterConfig } from './config/cluster-config.ts';
import { logNames } from './config/log-names.ts';
import type { RelayConfig } from './config/relay-config.ts';
import { configuredCodeSender } from './configured-code-sender.ts';
import { openEngines } from './open-engines.ts';
import { systemClock } from './platform/system-clock.ts';
import { systemRandomness } from './platform/system-randomness.ts';
import { systemTimers } from './platform/system-timers.ts';
import { readSettingFile } from './read-setting-file.ts';
import type { Relay, RelayParts } from './relay.ts';
import { RelayError } from './relay-error.ts';

/** What may be replaced in a node of a cluster: all but what it shares with the others. */
export type ClusterRelayOptions = { readonly config: RelayConfig } & Partial<
  Omit<RelayParts, 'stores' | 'relayKey' | 'trustRoot' | 'node'>
>;

/** How long what is in flight may take when a partition goes to another node, or this one stops. */
const drainMs = 5_000;

/**
 * One node of a cluster: the engines and the way to other nodes that the settings name, the platform's clock, timers and randomness unless others are given.
 *
 * It keeps nothing of its own: `config.data` is not used.
 * @throws {RelayError} `config-invalid`, `store-newer`, `store-unavailable`
 */
export async function openClusterRelay(options: ClusterRelayOptions): Promise<Relay> {
  const { config, clock = systemClock, timers = systemTimers, randomness = systemRandomness } = options;
  const { tracer = silentTracer, logger = pinoLogger(config.logLevel), metrics = prometheusMetrics() } = options;
  if (config.store !== 'cluster') throw new RelayError('config-invalid', 'set `store` to `cluster`.');
  const platform = { clock, timers, randomness, logger };
  const parts = await openNodeParts(config, platform);
  try {
    return createClusterRelay({
      ...platform,
      ...parts,
      config,
      codeSender: options.codeSender ?? configuredCodeSender(config, clock),
      tracer,
      metrics,
      ...(options.challengeCheck && { challengeCheck: options.challengeCheck }),
      ...(options.listener && { listener: options.listener }),
    });
  } catch (error) {
    await Promise.all([parts.engines.close(), parts.link.abandon()]);
    throw error;
  }
}

/** What a node is given from outside. */
export interface NodePlatform extends Pick<RelayParts, 'clock' | 'timers' | 'randomness' | 'logger'> {
  /** By which connections to engines and other nodes wait, when it is not the node's own time: that may be moved by hand. */
  readonly connections?: Pick<RelayParts, 'clock' | 'timers'>;
  /** See `CassandraAccountsOptions`. */
  readonly realm?: string;
  /** See `RedisOptions`. */
  readonly commandTimeoutMs?: number;
}

/** What the settings say of a node, opened: whoever is given it closes engines and link. */
export interface NodeParts
  extends Pick<
    ClusterRelayParts,
    'engines' | 'relayKey' | 'trustRoot' | 'cluster' | 'group' | 'topics' | 'topicKey' | 'drainMs' | 'certificateEndsAt'
  > {
  readonly link: TlsNodeLink;
}

/**
 * Opens all that makes a node one of its cluster.
 * @throws {RelayError} `config-invalid`, `store-newer`, `store-unavailable`
 */
export async function openNodeParts(config: RelayConfig, platform: NodePlatform): Promise<NodeParts> {
  const { relayKey, trustRoot } = await readClusterKeys(config.cluster);
  const credentials = await readCredentials(config.cluster);
  const marks = marksOf({ relayKey, trustRoot }, platform.clock);
  const { connections = platform } = platform;
  const { clock, timers } = connections;
  const link = await openLink(config.cluster, { ...platform, credentials, clock, timers });
  try {
    const engines = await openEngines(config, { ...platform, timers, marks });
    return {
      engines,
      link,
      certificateEndsAt: link.certificateEndsAt,
      relayKey,
      trustRoot,
      cluster: config.cluster.name,
      ...logNames(config.kafka),
      topicKey: config.kafka.topicKey,
      drainMs,
    };
  } catch (error) {
    await link.abandon();
    throw error;
  }
}

async function readCredentials(config: ClusterConfig): Promise<NodeCredentials> {
  const { certificateFile, certificateKeyFile, authorityFile } = config;
  const issue = 'have the authority of the cluster issue one for `cluster.host`';
  const [certificate, key, authority] = await Promise.all([
    readSettingFile('cluster.certificateFile', certificateFile, issue),
    readSettingFile('cluster.certificateKeyFile', certificateKeyFile, 'it belongs to `cluster.certificateFile`'),
    readSettingFile('cluster.authorityFile', authorityFile, 'copy it from another node, or make one for the cluster'),
  ]);
  return { certificate: String(certificate), key: String(key), authority: String(authority) };
}

/** Nobody is told of the link before the relay starts, and it answers nobody until then. */
function openLink(
  { host, port, listen }: ClusterConfig,
  parts: Omit<TlsNodeLinkOptions, 'listen' | 'advertise'>,
): Promise<TlsNodeLink> {
  return TlsNodeLink.open({ ...parts, listen: { host: listen, port }, advertise: { host } });
}
