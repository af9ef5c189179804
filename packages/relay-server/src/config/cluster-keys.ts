import { booleanKey, choiceKey, integerKey, listKey, patternKey, textKey } from './config-key.ts';

const broker = /^(\[[0-9a-fA-F:.]+\]|[\w.-]+):\d{1,5}$/;
/** A name or an address, of IPv6 without brackets; no port. */
const host = /^([\w.-]+|[0-9a-fA-F.]*:[0-9a-fA-F.]*:[0-9a-fA-F:.]*)$/;
const prefix = /^[\w.-]{1,64}$/;
const pem = 'the path of a file in PEM';

/** The settings of a relay that is several nodes, by the place where `RelayConfig` has them. */
export const clusterKeys = {
  cluster: {
    name: patternKey('cluster.name', 'sotto', /^[a-z0-9][a-z0-9-]{0,31}$/, 'a name of a-z, 0-9 and -, at most 32'),
    host: patternKey('cluster.host', '', host, 'a host name or an address'),
    port: integerKey('cluster.port', 8443, 0, 65_535),
    listen: patternKey('cluster.listen', '0.0.0.0', host, 'an address or host name to listen on'),
    certificateFile: textKey('cluster.certificateFile', '', pem),
    certificateKeyFile: textKey('cluster.certificateKeyFile', '', pem),
    authorityFile: textKey('cluster.authorityFile', '', pem),
    relayKeyFile: textKey('cluster.relayKeyFile', '', 'the path of a file of 32 bytes'),
    trustRootFile: textKey('cluster.trustRootFile', '', 'the path of a file of 32 bytes'),
  },
  kafka: {
    brokers: listKey('kafka.brokers', [], broker, 'a list of brokers like `kafka-1.example:9092`'),
    tls: booleanKey('kafka.tls', false),
    authorityFile: textKey('kafka.authorityFile', '', pem),
    sasl: {
      mechanism: choiceKey('kafka.sasl.mechanism', 'none', ['none', 'PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']),
      username: textKey('kafka.sasl.username', '', 'a name'),
      password: textKey('kafka.sasl.password', '', 'a password'),
    },
    topicPrefix: patternKey('kafka.topicPrefix', '', prefix, 'a text of letters, digits, `.`, `_` and `-`, at most 64'),
    partitions: integerKey('kafka.partitions', 64, 1, 10_000),
    replicas: integerKey('kafka.replicas', 3, 1, 9),
    topicKey: choiceKey('kafka.topicKey', 'recipient', ['recipient', 'sender']),
  },
  cassandra: {
    contactPoints: listKey('cassandra.contactPoints', [], host, 'a list of host names or addresses, without a port'),
    port: integerKey('cassandra.port', 9042, 1, 65_535),
    localDataCenter: textKey('cassandra.localDataCenter', '', 'the name of a data centre'),
    keyspace: patternKey(
      'cassandra.keyspace',
      'sotto',
      /^[a-z][a-z0-9_]{0,47}$/,
      'a name of a-z, 0-9 and _, at most 48',
    ),
    username: textKey('cassandra.username', '', 'a name'),
    password: textKey('cassandra.password', '', 'a password'),
    tls: booleanKey('cassandra.tls', false),
    authorityFile: textKey('cassandra.authorityFile', '', pem),
    replication: listKey(
      'cassandra.replication',
      [],
      /^[\w.-]{1,100}:[1-9]$/,
      'a list of data centres with their numbers of replicas like `datacenter1:3`',
    ),
  },
  redis: {
    url: textKey('redis.url', '', 'an address like `redis://redis.example:6379`, or `rediss://` for TLS'),
    password: textKey('redis.password', '', 'a password'),
    authorityFile: textKey('redis.authorityFile', '', pem),
    prefix: patternKey('redis.prefix', 'sotto', prefix, 'a text of letters, digits, `.`, `_` and `-`, at most 64'),
  },
};
