import type { RateLimit } from '../ports/rate-limiter.ts';

/** Everything that an operator can set, complete and checked. Durations in milliseconds, sizes in bytes. */
export interface RelayConfig {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** The folder of the embedded stores. */
  readonly data: string;
  /** Web origins that may use the relay from a browser; `*` = any. */
  readonly allowedOrigins: readonly string[];
  /** ISO 3166-1 alpha-2 codes of countries whose numbers can't register. */
  readonly barredCountries: readonly string[];
  readonly codes: CodesConfig;
  readonly mailbox: MailboxConfig;
  readonly stream: StreamConfig;
  /** A registration lock ends when no device of its account was heard of for `lockIdleMs`. */
  readonly accounts: { readonly lockIdleMs: number };
  readonly tokens: { readonly accessTtlMs: number; readonly ticketTtlMs: number };
  readonly limits: LimitsConfig;
  readonly logLevel: LogLevel;
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
}

/** How long and how much mail is kept. */
export interface MailboxConfig {
  readonly retentionMs: number;
  /** Envelopes a device. */
  readonly quotaCount: number;
  readonly quotaBytes: number;
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

/** Token buckets: `burst` at once, one more every `refillMs`. */
export interface LimitsConfig {
  /** Verification codes to one number. */
  readonly codesPerNumber: RateLimit;
  /** Verification codes asked for from one address. */
  readonly codesPerAddress: RateLimit;
  /** Verification codes altogether: what breaks the bill. */
  readonly codesInAll: RateLimit;
  /** Numbers that one account looks up. */
  readonly lookupsPerAccount: RateLimit;
  /** Key bundles that one account takes of another. */
  readonly bundlesPerPair: RateLimit;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';
