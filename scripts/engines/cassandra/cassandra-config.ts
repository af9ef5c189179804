import { clientAddress, type EngineMember, type EngineShape } from '../engine-shape.ts';

/** The name of the data centre of every snitch that knows none. */
export const localDataCenter = 'datacenter1';

/** The `cassandra.yaml` of a node. Texts are JSON, which is YAML, so that no path can break it. */
export function cassandraConfig(member: EngineMember, shape: EngineShape): string {
  const { storage = 0 } = member.further;
  const settings: Readonly<Record<string, unknown>> = {
    cluster_name: 'sotto engines',
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    num_tokens: 4,
    // The tokens of three nodes are spread for the replicas that the keyspaces will have.
    allocate_tokens_for_local_replication_factor: shape.nodes,
    endpoint_snitch: 'SimpleSnitch',
    listen_address: member.host,
    storage_port: storage,
    rpc_address: member.host,
    native_transport_port: member.port,
    // What clients are told of the other nodes.
    broadcast_rpc_address: clientAddress(member, shape).host,
    seed_provider: [
      {
        class_name: 'org.apache.cassandra.locator.SimpleSeedProvider',
        parameters: [{ seeds: `127.0.0.1:${storage}` }],
      },
    ],
    // A write is on the disk when it is answered.
    commitlog_sync: 'batch',
    commitlog_segment_size: '8MiB',
    commitlog_total_space: '256MiB',
    // Tests drop what they made: a snapshot of each would fill the disk, and keep what has to be gone.
    auto_snapshot: false,
    concurrent_compactors: 1,
    // A machine of two cores that runs tests beside is slow at times, not broken.
    read_request_timeout: '10s',
    range_request_timeout: '15s',
    write_request_timeout: '10s',
    cas_contention_timeout: '5s',
    request_timeout: '15s',
  };
  return `${Object.entries(settings)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
    .join('\n')}\n`;
}

const exported: readonly string[] = [
  'java.base/jdk.internal.misc',
  'java.base/java.lang.ref',
  'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  'java.rmi/sun.rmi.registry',
  'java.rmi/sun.rmi.server',
  'java.sql/java.sql',
  'jdk.unsupported/sun.misc',
  'jdk.compiler/com.sun.tools.javac.file',
  'jdk.attach/sun.tools.attach',
];
const opened: readonly string[] = [
  ...['io', 'lang', 'lang.module', 'lang.reflect', 'util'].map((name) => `java.base/java.${name}`),
  ...['loader', 'math', 'module', 'ref', 'reflect', 'util.jar'].map((name) => `java.base/jdk.internal.${name}`),
  'java.base/sun.nio.ch',
  'jdk.management/com.sun.management.internal',
  'jdk.compiler/com.sun.tools.javac',
];

/** What Cassandra needs of Java's own modules: it does not start without. */
export const moduleFlags: readonly string[] = [
  '-Djdk.attach.allowAttachSelf=true',
  '-Dio.netty.tryReflectionSetAccessible=true',
  ...exported.flatMap((name) => ['--add-exports', `${name}=ALL-UNNAMED`]),
  ...opened.flatMap((name) => ['--add-opens', `${name}=ALL-UNNAMED`]),
];

/** Logging to the output, for `logback`: without it, everything from DEBUG on. */
export const cassandraLogging = `<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d %-5level %logger{0} %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="out"/></root>
</configuration>
`;
