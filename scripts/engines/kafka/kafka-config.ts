import type { EngineMember, EngineShape } from '../engine-shape.ts';

/**
 * The `server.properties` of a broker that is a controller, too.
 *
 * The relay's topics bring their own settings (`sotto-relay migrate`). What stands here is what a topic can't say: how often the broker
 * looks for what has expired (five minutes by default), how long after its start it looks first, and how long a file that it has let go
 * of stays on the disk.
 */
export function kafkaConfig(
  member: EngineMember,
  members: readonly EngineMember[],
  shape: EngineShape,
  data: string,
): string {
  const brokers = members.filter(({ engine }) => engine === 'kafka');
  const controller = (one: EngineMember) => `${one.host}:${one.further.controller}`;
  const settings: Readonly<Record<string, string | number | boolean>> = {
    'process.roles': 'broker,controller',
    'node.id': member.number,
    'controller.quorum.voters': brokers.map((one) => `${one.number}@${controller(one)}`).join(','),
    listeners: `PLAINTEXT://${member.host}:${member.port},CONTROLLER://${controller(member)}`,
    'advertised.listeners': `PLAINTEXT://${member.host}:${member.port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
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
