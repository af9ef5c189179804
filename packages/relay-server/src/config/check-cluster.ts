import { RelayError } from '../relay-error.ts';
import type { RelayConfig } from './relay-config.ts';

/** What a cluster can't do without, and what it is, for whoever has left it out. */
const needed: readonly (readonly [name: string, is: string, has: (config: RelayConfig) => boolean])[] = [
  ['cluster.host', 'how other nodes reach this one', ({ cluster }) => cluster.host !== ''],
  ['cluster.certificateFile', "this node's certificate", ({ cluster }) => cluster.certificateFile !== ''],
  ['cluster.certificateKeyFile', 'the key of that certificate', ({ cluster }) => cluster.certificateKeyFile !== ''],
  ['cluster.authorityFile', "the cluster's certificate authority", ({ cluster }) => cluster.authorityFile !== ''],
  ['cluster.relayKeyFile', '32 bytes, the same on all nodes', ({ cluster }) => cluster.relayKeyFile !== ''],
  ['kafka.brokers', 'like `["kafka-1.example:9092"]`', ({ kafka }) => kafka.brokers.length > 0],
  ['cassandra.contactPoints', 'some of its nodes', ({ cassandra }) => cassandra.contactPoints.length > 0],
  ['cassandra.localDataCenter', '`nodetool status` says it', ({ cassandra }) => cassandra.localDataCenter !== ''],
  ['redis.url', 'like `redis://redis.example:6379`', ({ redis }) => redis.url !== ''],
];

/**
 * Checks what one value alone can't show about a cluster; a relay of one process has nothing to check.
 * @param fromOf Where the value of a key came from.
 * @throws {RelayError} `config-invalid`
 */
export function checkCluster(config: RelayConfig, fromOf: (name: string) => string): void {
  if (config.store !== 'cluster') return;
  const refuse = (name: string, message: string) => {
    throw new RelayError('config-invalid', `${fromOf(name)}: ${message}`);
  };
  const { blobs, kafka, cassandra, redis } = config;
  const missing = needed.filter(([, , has]) => !has(config)).map(([name, is]) => `\`${name}\` (${is})`);
  if (missing.length > 0) refuse('store', `\`store\` is \`cluster\`: set ${listed(missing)} too.`);
  if (blobs.store !== 's3') {
    refuse('store', '`store` is `cluster`: set `blobs.store` to `s3`, since all nodes need the same files.');
  }
  if (kafka.sasl.mechanism === 'none') {
    if (kafka.sasl.username !== '' || kafka.sasl.password !== '') {
      refuse('kafka.sasl.username', 'set `kafka.sasl.mechanism` too: `SCRAM-SHA-512`, if the brokers have it.');
    }
  } else if (kafka.sasl.username === '' || kafka.sasl.password === '') {
    const { mechanism } = kafka.sasl;
    refuse(
      'kafka.sasl.mechanism',
      `\`kafka.sasl.mechanism\` is \`${mechanism}\`: set \`kafka.sasl.username\` and \`kafka.sasl.password\` too.`,
    );
  }
  if ((cassandra.username === '') !== (cassandra.password === '')) {
    refuse('cassandra.username', 'set `cassandra.username` and `cassandra.password` both, or neither.');
  }
  const centers = cassandra.replication.map((item) => item.slice(0, item.lastIndexOf(':')));
  if (centers.length > 0 && !centers.includes(cassandra.localDataCenter)) {
    refuse('cassandra.replication', '`cassandra.replication` has to name `cassandra.localDataCenter` too.');
  }
  if (new Set(centers).size < centers.length) {
    refuse('cassandra.replication', '`cassandra.replication` has to name each data centre once.');
  }
  const url = URL.canParse(redis.url) ? new URL(redis.url) : undefined;
  if (url === undefined || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '') {
    refuse('redis.url', '`redis.url` has to be an address like `redis://redis.example:6379`, or `rediss://` for TLS.');
  }
  if (url !== undefined && url.password !== '' && redis.password !== '') {
    refuse('redis.password', 'set the password in `redis.url` or in `redis.password`, not in both.');
  }
  const plain = [
    ['kafka.authorityFile', kafka.authorityFile, kafka.tls, '`kafka.tls` to `true`'],
    ['cassandra.authorityFile', cassandra.authorityFile, cassandra.tls, '`cassandra.tls` to `true`'],
    ['redis.authorityFile', redis.authorityFile, url?.protocol === 'rediss:', '`redis.url` to begin with `rediss://`'],
  ] as const;
  for (const [name, file, hasTls, remedy] of plain) {
    if (file !== '' && !hasTls) refuse(name, `\`${name}\` is for TLS, which is off: set ${remedy}, or leave it out.`);
  }
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
