import type { RateLimit } from '../ports/rate-limiter.ts';
import type { CassandraConfig, ClusterConfig, KafkaConfig, RedisConfig } from './cluster-config.ts';

/** Everything that an operator can set, complete and checked. Durations in milliseconds, sizes in bytes. */
export interface RelayConfig {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** The folder of the embedded stores. */
  readonly data: string;
  /** `embedded`: one process with SQLite. `cluster`: one of several nodes on the same engines; the next four are for it alone. */
  readonly store: 'embedded' | 'cluster';
  readonly cluster: ClusterConfig;
  readonly kafka: KafkaConfig;
  readonly cassandra: CassandraConfig;
  readonly redis: RedisConfig;
  readonly blobs: BlobsConfig;
  /** Web origins that may use the relay from a browser; `*` = any. */
  readonly allowedOrigins: readonly string[];
  /** Addresses and networks of proxies whose word about the client's address is taken. */
  readonly trustedProxies: readonly string[];
  /** ISO 3166-1 alpha-2 codes of countries whose numbers can register; `*` = all but the barred ones. */
  readonly allowedCountries: readonly string[];
  /** ISO 3166-1 alpha-2 codes of countries whose numbers can't register. */
  readonly barredCountries: readonly string[];
  readonly codes: CodesConfig;
  readonly mailbox: MailboxConfig;
  readonly stream: StreamConfig;
  readonly connections: ConnectionsConfig;
  readonly accounts: AccountsConfig;
  readonly tokens: { readonly accessTtlMs: number; readonly ticketTtlMs: number };
  readonly limits: LimitsConfig;
  readonly logLevel: LogLevel;
}

/** Where encrypted files stand. */
export interface BlobsConfig {
  /** `folder`: in the data folder. */
  readonly store: 'folder' | 's3';
  readonly s3: S3Config;
}

/** A bucket of a server that speaks S3. */
export interface S3Config {
  /** Empty: Amazon's own for the region. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Before each key; empty, or ends in a slash. */
  readonly prefix: string;
  /** Empty, as the secret then is: what the machine brings (its role, its environment). */
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Whether the bucket is named in the path, as most servers but Amazon's want it. */
  readonly pathStyle: boolean;
}

/** What accounts may have, and for how long. */
export interface AccountsConfig {
  /** A registration lock ends when no device of its account was heard of for this long. */
  readonly lockIdleMs: number;
  /** The most devices of an account beside its primary. */
  readonly linkedDevices: number;
  /** How long a new device has to be linked, from the code that it shows. */
  readonly linkTtlMs: number;
  /** A linked device that was not connected for this long gets no mail until it is, and is to be taken off the list. Counted in days. */
  readonly deviceIdleMs: number;
}

/** How verification codes are made and sent. */
export interface CodesConfig {
  readonly sender: 'console' | 'webhook';
  /** Where the webhook posts; empty for the console. */
  readonly url: string;
  /** Signs the webhook's requests; empty for the console. */
  readonly secret: string;
  readonly timeoutMs: number;
  /** Lets the webhook post to private addresses and without TLS. */
  readonly allowPrivateWebhook: boolean;
  readonly ttlMs: number;
  readonly resendAfterMs: number;
  readonly maxAttempts: number;
  /** Numbers that differ in no more than their last digits, so many, share `limits.codesPerPrefix`. */
  readonly prefixDigits: number;
  /** After `limits.codesInAll` was used up no code is sent for this long. */
  readonly breakerMs: number;
}

/** How long and how much mail is kept. */
export interface MailboxConfig {
  readonly retentionMs: number;
  /** Envelopes a device. */
  readonly quotaCount: number;
  readonly quotaBytes: number;
  /** Envelopes a device, of all strangers together. */
  readonly strangerQuotaCount: number;
  readonly strangerQuotaBytes: number;
  /** Deleted mail leaves the disk within this time. */
  readonly scrubEveryMs: number;
  readonly sweepEveryMs: number;
}

/** Bounds of one stream. */
export interface StreamConfig {
  readonly inFlight: number;
  readonly maxMessageBytes: number;
  readonly idleTimeoutMs: number;
  /** Above this many unsent bytes deliveries pause; above four times as many the stream is closed. */
  readonly maxBufferedBytes: number;
}

/** Bounds of connections, before anything is known of who opens them. */
export interface ConnectionsConfig {
  /** Open at once from one address. */
  readonly perAddress: number;
  /** Open at once altogether. */
  readonly inAll: number;
  /** Until the headers of a request must be there. */
  readonly headersMs: number;
  /** Until a request must be there whole. */
  readonly requestMs: number;
  /** A connection without a request is closed after this. */
  readonly keepAliveMs: number;
}

/** Token buckets: `burst` at once, one more every `refillMs`. */
export interface LimitsConfig {
  /** Verification codes to one number. */
  readonly codesPerNumber: RateLimit;
  /** Verification codes asked for from one address. */
  readonly codesPerAddress: RateLimit;
  /** Verification codes to numbers that differ in their last digits alone. */
  readonly codesPerPrefix: RateLimit;
  /** Verification codes altogether: what breaks the bill. */
  readonly codesInAll: RateLimit;
  /** Tries at the codes of one number. */
  readonly guessesPerNumber: RateLimit;
  /** Linkings that new devices begin at one address. */
  readonly linkingsPerAddress: RateLimit;
  /** Registrations tried from one address. */
  readonly registrationsPerAddress: RateLimit;
  /** Access tokens asked for from one address. */
  readonly refreshesPerAddress: RateLimit;
  /** HTTP requests of any kind from one address. */
  readonly requestsPerAddress: RateLimit;
  /** Upgrades from one address that were refused. */
  readonly upgradesPerAddress: RateLimit;
  /** Requests of one account that change something. */
  readonly writesPerAccount: RateLimit;
  /** KiB that one account appends to the logs of groups, with 16 bytes for each who comes and goes, and of the checkpoints and boxes of invites that it puts beside them. At least 288, or the largest record is refused for good. */
  readonly groupKibPerAccount: RateLimit;
  /** Requests by which one account takes others out of the members of one group, or repairs them. */
  readonly groupRepairsPerMember: RateLimit;
  /** Records that one account appends to one group into which it came, or comes, by itself: by a link, or after a removal. */
  readonly groupRecordsPerGuest: RateLimit;
  /** Records by which people come, or ask to come, into one group by its link. */
  readonly groupGuestsPerGroup: RateLimit;
  /** Avatars of groups that one account uploads. */
  readonly groupAvatarsPerAccount: RateLimit;
  /** Avatars of one group that all its members upload: more than any one may, or they could keep the others from it. */
  readonly groupAvatarsPerGroup: RateLimit;
  /** Different numbers that one account looks up. */
  readonly lookupsPerAccount: RateLimit;
  /** Different numbers that are looked up from one address. */
  readonly lookupsPerAddress: RateLimit;
  /** Key bundles that one account takes of another. */
  readonly bundlesPerPair: RateLimit;
  /** Key bundles that all together take of one account. */
  readonly bundlesPerTarget: RateLimit;
  /** Messages of one account to another whose access key it does not show; a burst of 0 = no limit. */
  readonly sendsToStranger: RateLimit;
  /** Messages of one account to another whose access key it shows; a burst of 0 = no limit. */
  readonly sendsToContact: RateLimit;
  /** Sealed sends under one access key: of all contacts of an account together. */
  readonly sealedPerKey: RateLimit;
  /** Sealed sends from one address, and requests that try to be one. */
  readonly sealedPerAddress: RateLimit;
  /** Sends of one device; a burst of 0 = no limit. */
  readonly sendsPerDevice: RateLimit;
  /** Ephemeral signals of one stream. */
  readonly ephemeralsPerStream: RateLimit;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';
