import type { ConnectionOptions as TlsOptions } from 'node:tls';
import type { BaseOptions } from '@platformatic/kafka';

/** How a relay shows a Kafka cluster who it is. */
export interface KafkaSasl {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  readonly username: string;
  readonly password: string;
}

/** Where a Kafka cluster is, and how to speak with it. */
export interface KafkaOptions {
  /** `host:port` of some of its brokers, at least one. */
  readonly brokers: readonly string[];
  /** Stands in the brokers' logs; no part of any meaning. */
  readonly clientId?: string;
  /** As Node's TLS takes it; plain text when it is left out. */
  readonly tls?: TlsOptions;
  readonly sasl?: KafkaSasl;
  /** How long one broker has to take a connection; 3 s by default. All brokers that are named are tried, twice. */
  readonly connectTimeoutMs?: number;
  /** How long a broker has to answer; 10 s by default. */
  readonly requestTimeoutMs?: number;
}

/** Milliseconds between a failed try and the next one. */
export const retryDelayMs = 200;

/**
 * The options of the client's own classes. What is set here was read in the sources of 2.12.1:
 *
 * - `retries`: 3 by default, a second apart (`clients/base/options.js`): one try more is enough to find another broker, since this adapter's callers repeat. The producer takes another number: see `RecordAppender`.
 * - `metadataMaxAge`: where partitions are and which id a topic has is asked anew after 5 s.
 * - `strict`: with it the client checks what it is given; without it an option with a typing error is ignored.
 * - Requests time out after `requestTimeout`, which is none of the documented options of `Consumer` and `Producer` but goes to each connection (`network/connection.js`); `timeout` is the broker's own, for produce requests and administration.
 */
export function clientOptions(options: KafkaOptions): BaseOptions {
  const requestTimeout = options.requestTimeoutMs ?? 10_000;
  return {
    clientId: options.clientId ?? 'sotto-relay',
    bootstrapBrokers: [...options.brokers],
    connectTimeout: options.connectTimeoutMs ?? 3000,
    requestTimeout,
    timeout: requestTimeout / 2,
    retries: 1,
    retryDelay: retryDelayMs,
    metadataMaxAge: 5000,
    autocreateTopics: false,
    strict: true,
    ...(options.tls && { tls: options.tls }),
    ...(options.sasl && { sasl: { ...options.sasl } }),
  };
}
