/** One node of a relay that is several: how the others know it, and what all of them have alike. */
export interface ClusterConfig {
  /** The same on all nodes, and never changed: what is on its way is known by it. */
  readonly name: string;
  /** Under which other nodes reach this one; its certificate names it. */
  readonly host: string;
  /** On which it listens for other nodes; 0 = any free one. */
  readonly port: number;
  /** The address that it listens at for other nodes. */
  readonly listen: string;
  /** PEM: the certificate of this node, with those between it and the authority. */
  readonly certificateFile: string;
  /** PEM: the private key of that certificate. */
  readonly certificateKeyFile: string;
  /** PEM: the cluster's own certificate authority. Whoever has a certificate of it is a node. */
  readonly authorityFile: string;
  /** The relay's own secret, 32 bytes, the same on all nodes. */
  readonly relayKeyFile: string;
  /** Where certificates of sealed senders come from, 32 bytes, the same on all nodes; empty: made from the relay's secret. */
  readonly trustRootFile: string;
}

/** Where mail is written to before it is acknowledged. */
export interface KafkaConfig {
  /** `host:port` of some brokers. */
  readonly brokers: readonly string[];
  readonly tls: boolean;
  /** PEM; empty: the authorities that Node trusts. */
  readonly authorityFile: string;
  readonly sasl: {
    readonly mechanism: 'none' | 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
    readonly username: string;
    readonly password: string;
  };
  /** Before the names of topics and of the group of nodes. */
  readonly topicPrefix: string;
  /** Of each topic; can't be changed. */
  readonly partitions: number;
  /** On how many brokers each record stands. */
  readonly replicas: number;
  /** By whom records to users are told apart: the order of one key is kept. */
  readonly topicKey: 'recipient' | 'sender';
}

/** Where accounts, groups and waiting mail are. */
export interface CassandraConfig {
  /** Names or addresses of some nodes, without a port. */
  readonly contactPoints: readonly string[];
  readonly port: number;
  /** Whose quorum reads and writes need: the same on all nodes of the relay. */
  readonly localDataCenter: string;
  readonly keyspace: string;
  readonly username: string;
  readonly password: string;
  readonly tls: boolean;
  /** PEM; empty: the authorities that Node trusts. */
  readonly authorityFile: string;
  /** `name:replicas` of each data centre, for a keyspace that is not there yet; empty: three in the local one. */
  readonly replication: readonly string[];
}

/** Where is what lives for minutes, and what may be lost. */
export interface RedisConfig {
  /** `redis://host:port`, or `rediss://` for TLS. */
  readonly url: string;
  readonly password: string;
  /** PEM; empty: the authorities that Node trusts. */
  readonly authorityFile: string;
  /** What all keys begin with. */
  readonly prefix: string;
}
