import { clusterKeys } from './cluster-keys.ts';
import { booleanKey, type ConfigKey, choiceKey, integerKey, isConfigKey, listKey, textKey } from './config-key.ts';
import type { LogLevel } from './relay-config.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const mebibyte = 1024 * 1024;
const most = Number.MAX_SAFE_INTEGER;

/** An address or a network: whether it is one is checked when it is read. */
const networkPattern = /^[0-9A-Fa-f:.]+(\/\d{1,3})?$/;

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

const bucket = (name: string, burst: number, refillMs: number, leastBurst = 1, slowestMs = day) => ({
  burst: integerKey(`limits.${name}.burst`, burst, leastBurst, 1_000_000_000),
  refillMs: integerKey(`limits.${name}.refillMs`, refillMs, 1, slowestMs),
});

/** Every setting, by the place where `RelayConfig` has it. */
export const configKeys = {
  host: textKey('host', '127.0.0.1', 'an address or host name to listen on'),
  port: integerKey('port', 8080, 0, 65_535),
  data: textKey('data', './sotto-data', 'a folder'),
  store: choiceKey('store', 'embedded', ['embedded', 'cluster']),
  ...clusterKeys,
  blobs: {
    store: choiceKey('blobs.store', 'folder', ['folder', 's3']),
    s3: {
      endpoint: textKey('blobs.s3.endpoint', '', 'the address of a server that speaks S3'),
      region: textKey('blobs.s3.region', 'us-east-1', 'a region'),
      bucket: textKey('blobs.s3.bucket', '', 'the name of a bucket'),
      prefix: textKey('blobs.s3.prefix', '', 'a text that ends in a slash'),
      accessKeyId: textKey('blobs.s3.accessKeyId', '', 'the id of an access key'),
      secretAccessKey: textKey('blobs.s3.secretAccessKey', '', 'the secret of that key'),
      pathStyle: booleanKey('blobs.s3.pathStyle', true),
    },
  },
  allowedOrigins: listKey(
    'allowedOrigins',
    ['*'],
    /^(\*|https?:\/\/[^/\s]+)$/,
    'a list of origins like `https://chat.example`, or `*`',
  ),
  trustedProxies: listKey(
    'trustedProxies',
    [],
    networkPattern,
    'a list of addresses or networks like `10.0.0.0/8` or `fd00::/8`',
  ),
  allowedCountries: listKey(
    'allowedCountries',
    ['*'],
    /^(\*|[A-Z]{2})$/,
    'a list of two-letter country codes in capitals, or `*`',
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
    prefixDigits: integerKey('codes.prefixDigits', 4, 1, 9),
    breakerMs: integerKey('codes.breakerMs', 10 * minute, 0, day),
  },
  mailbox: {
    retentionMs: integerKey('mailbox.retentionMs', 30 * day, minute, 30 * day),
    quotaCount: integerKey('mailbox.quotaCount', 100_000, 1, 100_000_000),
    quotaBytes: integerKey('mailbox.quotaBytes', 512 * mebibyte, 1_024, most),
    strangerQuotaCount: integerKey('mailbox.strangerQuotaCount', 1_000, 1, 100_000_000),
    strangerQuotaBytes: integerKey('mailbox.strangerQuotaBytes', 16 * mebibyte, 1_024, most),
    scrubEveryMs: integerKey('mailbox.scrubEveryMs', minute, second, day),
    sweepEveryMs: integerKey('mailbox.sweepEveryMs', minute, second, day),
  },
  stream: {
    inFlight: integerKey('stream.inFlight', 256, 1, 4_096),
    maxMessageBytes: integerKey('stream.maxMessageBytes', mebibyte, 512 * 1024, 64 * mebibyte),
    idleTimeoutMs: integerKey('stream.idleTimeoutMs', 2 * minute, second, day),
    maxBufferedBytes: integerKey('stream.maxBufferedBytes', 4 * mebibyte, 64 * 1024, 1024 * mebibyte),
  },
  connections: {
    perAddress: integerKey('connections.perAddress', 1_000, 1, 1_000_000),
    inAll: integerKey('connections.inAll', 100_000, 1, 10_000_000),
    headersMs: integerKey('connections.headersMs', 10 * second, 100, 10 * minute),
    requestMs: integerKey('connections.requestMs', 30 * second, 100, hour),
    keepAliveMs: integerKey('connections.keepAliveMs', 72 * second, 100, hour),
  },
  accounts: {
    lockIdleMs: integerKey('accounts.lockIdleMs', 30 * day, minute, 3_650 * day),
    linkedDevices: integerKey('accounts.linkedDevices', 6, 0, 126),
    linkTtlMs: integerKey('accounts.linkTtlMs', 2 * minute, second, hour),
    deviceIdleMs: integerKey('accounts.deviceIdleMs', 45 * day, day, 3_650 * day),
  },
  tokens: {
    accessTtlMs: integerKey('tokens.accessTtlMs', hour, second, 30 * day),
    ticketTtlMs: integerKey('tokens.ticketTtlMs', 30 * second, second, hour),
  },
  limits: {
    codesPerNumber: bucket('codesPerNumber', 6, 10 * minute),
    codesPerAddress: bucket('codesPerAddress', 60, 10 * second),
    codesPerPrefix: bucket('codesPerPrefix', 50, 30 * second),
    codesInAll: bucket('codesInAll', 10_000, 100),
    guessesPerNumber: bucket('guessesPerNumber', 6, 30 * second),
    linkingsPerAddress: bucket('linkingsPerAddress', 6, 2 * minute),
    registrationsPerAddress: bucket('registrationsPerAddress', 60, 10 * second),
    refreshesPerAddress: bucket('refreshesPerAddress', 120, 5 * second),
    requestsPerAddress: bucket('requestsPerAddress', 300, 50),
    upgradesPerAddress: bucket('upgradesPerAddress', 60, second),
    writesPerAccount: bucket('writesPerAccount', 120, 5 * second),
    // By day 86 MB: a group of 1,024 is made with about 100 KiB, and most records have two.
    groupKibPerAccount: bucket('groupKibPerAccount', 8_192, second),
    groupRepairsPerMember: bucket('groupRepairsPerMember', 30, 2 * minute),
    groupRecordsPerGuest: bucket('groupRecordsPerGuest', 20, 30 * second),
    groupGuestsPerGroup: bucket('groupGuestsPerGroup', 60, 2 * second),
    groupAvatarsPerAccount: bucket('groupAvatarsPerAccount', 12, 2 * hour),
    groupAvatarsPerGroup: bucket('groupAvatarsPerGroup', 48, 30 * minute),
    lookupsPerAccount: bucket('lookupsPerAccount', 2_000, 10 * second),
    lookupsPerAddress: bucket('lookupsPerAddress', 5_000, 2 * second),
    bundlesPerPair: bucket('bundlesPerPair', 6, 10 * minute),
    bundlesPerTarget: bucket('bundlesPerTarget', 300, second),
    sealedPerKey: bucket('sealedPerKey', 1_000, 10),
    sealedPerAddress: bucket('sealedPerAddress', 2_000, 5),
    // Clients are told these three by the second, in whole numbers.
    sendsToStranger: bucket('sendsToStranger', 60, second, 0, second),
    sendsToContact: bucket('sendsToContact', 600, 10, 0, second),
    sendsPerDevice: bucket('sendsPerDevice', 2_000, 2, 0, second),
    ephemeralsPerStream: bucket('ephemeralsPerStream', 100, 50),
  },
  logLevel: choiceKey<LogLevel>('logLevel', 'info', levels),
};

/** All of them, in the order of `--help`. */
export const allConfigKeys: readonly ConfigKey<unknown>[] = flatten(configKeys);

function flatten(node: object): ConfigKey<unknown>[] {
  return isConfigKey(node)
    ? [node]
    : Object.values(node).flatMap((child: unknown) =>
        typeof child === 'object' && child !== null ? flatten(child) : [],
      );
}
