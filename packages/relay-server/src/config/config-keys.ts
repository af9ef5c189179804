import { booleanKey, type ConfigKey, choiceKey, integerKey, listKey, textKey } from './config-key.ts';
import type { LogLevel } from './relay-config.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const mebibyte = 1024 * 1024;
const most = Number.MAX_SAFE_INTEGER;

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

const bucket = (name: string, burst: number, refillMs: number) => ({
  burst: integerKey(`limits.${name}.burst`, burst, 1, 1_000_000_000),
  refillMs: integerKey(`limits.${name}.refillMs`, refillMs, 1, day),
});

/** Every setting, by the place where `RelayConfig` has it. */
export const configKeys = {
  host: textKey('host', '127.0.0.1', 'an address or host name to listen on'),
  port: integerKey('port', 8080, 0, 65_535),
  data: textKey('data', './sotto-data', 'a folder'),
  allowedOrigins: listKey(
    'allowedOrigins',
    ['*'],
    /^(\*|https?:\/\/[^/\s]+)$/,
    'a list of origins like `https://chat.example`, or `*`',
  ),
  barredCountries: listKey(
    'barredCountries',
    ['CN', 'AE', 'IR', 'SY', 'KP', 'CU'],
    /^[A-Z]{2}$/,
    'a list of two-letter country codes in capitals',
  ),
  codes: {
    sender: choiceKey('codes.sender', 'console', ['console', 'webhook']),
    url: textKey('codes.url', '', 'the address of an SMS gateway'),
    secret: textKey('codes.secret', '', 'a secret of at least 16 characters'),
    timeoutMs: integerKey('codes.timeoutMs', 10 * second, 100, minute),
    allowPrivateWebhook: booleanKey('codes.allowPrivateWebhook', false),
    ttlMs: integerKey('codes.ttlMs', 10 * minute, second, hour),
    resendAfterMs: integerKey('codes.resendAfterMs', minute, 0, hour),
    maxAttempts: integerKey('codes.maxAttempts', 5, 1, 10),
  },
  mailbox: {
    retentionMs: integerKey('mailbox.retentionMs', 30 * day, minute, 30 * day),
    quotaCount: integerKey('mailbox.quotaCount', 100_000, 1, 100_000_000),
    quotaBytes: integerKey('mailbox.quotaBytes', 512 * mebibyte, 1_024, most),
    scrubEveryMs: integerKey('mailbox.scrubEveryMs', minute, second, day),
    sweepEveryMs: integerKey('mailbox.sweepEveryMs', minute, second, day),
  },
  stream: {
    inFlight: integerKey('stream.inFlight', 256, 1, 4_096),
    maxMessageBytes: integerKey('stream.maxMessageBytes', mebibyte, 512 * 1024, 64 * mebibyte),
    idleTimeoutMs: integerKey('stream.idleTimeoutMs', 2 * minute, second, day),
    maxBufferedBytes: integerKey('stream.maxBufferedBytes', 4 * mebibyte, 64 * 1024, 1024 * mebibyte),
  },
  accounts: {
    lockIdleMs: integerKey('accounts.lockIdleMs', 30 * day, minute, 3_650 * day),
  },
  tokens: {
    accessTtlMs: integerKey('tokens.accessTtlMs', hour, second, 30 * day),
    ticketTtlMs: integerKey('tokens.ticketTtlMs', 30 * second, second, hour),
  },
  limits: {
    codesPerNumber: bucket('codesPerNumber', 6, 10 * minute),
    codesPerAddress: bucket('codesPerAddress', 60, 10 * second),
    codesInAll: bucket('codesInAll', 10_000, 100),
    lookupsPerAccount: bucket('lookupsPerAccount', 2_000, 10 * second),
    bundlesPerPair: bucket('bundlesPerPair', 30, 20 * second),
  },
  logLevel: choiceKey<LogLevel>('logLevel', 'info', levels),
};

/** All of them, in the order of `--help`. */
export const allConfigKeys: readonly ConfigKey<unknown>[] = flatten(configKeys);

function flatten(node: object): ConfigKey<unknown>[] {
  return isKey(node)
    ? [node]
    : Object.values(node).flatMap((child: unknown) =>
        typeof child === 'object' && child !== null ? flatten(child) : [],
      );
}

function isKey(node: object): node is ConfigKey<unknown> {
  return 'fallback' in node;
}
