import type { FolderMade } from '../engine-folder.ts';
import type { EngineMember, EngineShape } from '../engine-shape.ts';

/** Who the listeners that ask for a user know. */
export const kafkaUser = 'relay';

/**
 * The `server.properties` of a broker that is a controller, too.
 *
 * The relay's topics bring their own settings (`sotto-relay migrate`). What stands here is what a topic can't say: how often the broker
 * looks for what has expired (five minutes by default), how long after its start it looks first, and how long a file that it has let go
 * of stays on the disk.
 *
 * Beside the plain listener there are two that want to know who comes: SASL in plain text (PLAIN and both SCRAM), and over TLS, with SCRAM-SHA-512 alone. The file holds passwords: mode 600.
 * @param keyStore PKCS #12, of the TLS
 */
export function kafkaConfig(
  member: EngineMember,
  members: readonly EngineMember[],
  { shape, kafkaPassword, kafkaStorePassword }: Pick<FolderMade, 'shape' | 'kafkaPassword' | 'kafkaStorePassword'>,
  data: string,
  keyStore: string,
): string {
  const brokers = members.filter(({ engine }) => engine === 'kafka');
  const controller = (one: EngineMember) => `${one.host}:${one.further.controller}`;
  const { controller: own = 0, sasl = 0, tls = 0, proxied } = member.further;
  const listeners: Listener[] = [
    { name: 'PLAINTEXT', host: member.host, port: member.port },
    { name: 'SASL', host: member.host, port: sasl },
    { name: 'TLS', host: member.host, port: tls },
  ];
  if (proxied !== undefined) listeners.push({ name: 'PROXIED', host: member.host, port: proxied });
  const settings: Readonly<Record<string, string | number | boolean>> = {
    'process.roles': 'broker,controller',
    'node.id': member.number,
    'controller.quorum.voters': brokers.map((one) => `${one.number}@${controller(one)}`).join(','),
    listeners: listed([...listeners, { name: 'CONTROLLER', host: member.host, port: own }]),
    'advertised.listeners': listed(
      listeners.map((one) => (one.name === 'PROXIED' ? { ...one, host: member.far.host } : one)),
    ),
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map':
      'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SASL_SSL',
    'listener.name.sasl.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'listener.name.sasl.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${kafkaUser}="${kafkaPassword}";`,
    'listener.name.sasl.scram-sha-256.sasl.jaas.config': scram,
    'listener.name.sasl.scram-sha-512.sasl.jaas.config': scram,
    'listener.name.tls.sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'listener.name.tls.scram-sha-512.sasl.jaas.config': scram,
    'listener.name.tls.ssl.keystore.type': 'PKCS12',
    'listener.name.tls.ssl.keystore.location': keyStore,
    'listener.name.tls.ssl.keystore.password': kafkaStorePassword,
    'log.dirs': data,
    'default.replication.factor': brokers.length,
    'min.insync.replicas': leastInSync(shape),
    'offsets.topic.replication.factor': brokers.length,
    'transaction.state.log.replication.factor': brokers.length,
    'transaction.state.log.min.isr': leastInSync(shape),
    'share.coordinator.state.topic.replication.factor': brokers.length,
    'share.coordinator.state.topic.min.isr': leastInSync(shape),
    // A partition of these is some open files and a thread's attention: 50 are for hundreds of consumers.
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.num.partitions': 4,
    'auto.create.topics.enable': false,
    'unclean.leader.election.enable': false,
    'group.initial.rebalance.delay.ms': 0,
    'log.retention.ms': shape.retentionMs,
    'log.retention.check.interval.ms': 1000,
    'log.initial.task.delay.ms': 1000,
    'log.segment.delete.delay.ms': 1000,
    // What a broker of three says goodbye with can't be answered when all go at once.
    'controlled.shutdown.enable': shape.brokers > 1,
  };
  return `${Object.entries(settings)
    .map(([key, value]) => `${key}=${value}`)
    .join('\n')}\n`;
}

const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';

interface Listener {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

function listed(listeners: readonly Listener[]): string {
  return listeners.map(({ name, host, port }) => `${name}://${host}:${port}`).join(',');
}

/** How many brokers have a record before it counts as written. */
export function leastInSync({ brokers }: EngineShape): number {
  return brokers === 1 ? 1 : 2;
}

/** Logging to the output, for log4j. */
export const kafkaLogging = `appenders=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %c{1} %m%n
rootLogger.level=WARN
rootLogger.appenderRefs=out
rootLogger.appenderRef.out.ref=out
logger.kafka.name=kafka
logger.kafka.level=INFO
`;
