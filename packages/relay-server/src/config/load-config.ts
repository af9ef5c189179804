import { isNetwork } from '../limits/network.ts';
import { RelayError } from '../relay-error.ts';
import { checkCluster } from './check-cluster.ts';
import { type ConfigKey, valuesOf, variableOf } from './config-key.ts';
import { allConfigKeys, configKeys } from './config-keys.ts';
import { nearestName } from './nearest-name.ts';
import type { LimitsConfig, RelayConfig } from './relay-config.ts';

/** Where settings come from, strongest first: flags, environment, file. */
export interface ConfigSources {
  /** By key name. */
  readonly flags?: ReadonlyMap<string, string>;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly file?: { readonly path: string; readonly text: string };
}

/** Variables with our prefix that mean other parts of Sotto. */
const foreignVariables: readonly string[] = ['SOTTO_CONFIG', 'SOTTO_DTLN_DIR', 'SOTTO_ENGINES'];

interface Raw {
  readonly from: string;
  readonly value: unknown;
}

/**
 * Makes the one configuration of the relay: flags over environment over file over defaults, each value checked once.
 * @throws {RelayError} `config-invalid`: says where the value came from and what to write instead
 */
export function loadConfig(sources: ConfigSources = {}): RelayConfig {
  const given = new Map<string, Raw>([...rawOfFile(sources.file), ...rawOfEnvironment(sources.environment ?? {})]);
  for (const [name, value] of sources.flags ?? []) given.set(name, { from: `--${name}`, value });

  const pick = <Value>(key: ConfigKey<Value>): Value => {
    const raw = given.get(key.name);
    if (raw === undefined) return key.fallback;
    const value = key.read(raw.value);
    if (value === undefined) throw invalid(raw.from, `\`${key.name}\` has to be ${key.expects}.`);
    return value;
  };
  const { s3 } = configKeys.blobs;
  const { codes, mailbox, stream, connections, accounts, tokens, limits } = configKeys;
  const bucket = (name: keyof LimitsConfig) => ({
    burst: pick(limits[name].burst),
    refillMs: pick(limits[name].refillMs),
  });
  const config: RelayConfig = {
    host: pick(configKeys.host),
    port: pick(configKeys.port),
    data: pick(configKeys.data),
    store: pick(configKeys.store),
    cluster: valuesOf(configKeys.cluster, pick),
    kafka: valuesOf(configKeys.kafka, pick),
    cassandra: valuesOf(configKeys.cassandra, pick),
    redis: valuesOf(configKeys.redis, pick),
    blobs: {
      store: pick(configKeys.blobs.store),
      s3: {
        endpoint: pick(s3.endpoint),
        region: pick(s3.region),
        bucket: pick(s3.bucket),
        prefix: pick(s3.prefix),
        accessKeyId: pick(s3.accessKeyId),
        secretAccessKey: pick(s3.secretAccessKey),
        pathStyle: pick(s3.pathStyle),
      },
    },
    allowedOrigins: pick(configKeys.allowedOrigins),
    trustedProxies: pick(configKeys.trustedProxies),
    allowedCountries: pick(configKeys.allowedCountries),
    barredCountries: pick(configKeys.barredCountries),
    codes: {
      sender: pick(codes.sender),
      url: pick(codes.url),
      secret: pick(codes.secret),
      timeoutMs: pick(codes.timeoutMs),
      allowPrivateWebhook: pick(codes.allowPrivateWebhook),
      ttlMs: pick(codes.ttlMs),
      resendAfterMs: pick(codes.resendAfterMs),
      maxAttempts: pick(codes.maxAttempts),
      prefixDigits: pick(codes.prefixDigits),
      breakerMs: pick(codes.breakerMs),
    },
    mailbox: {
      retentionMs: pick(mailbox.retentionMs),
      quotaCount: pick(mailbox.quotaCount),
      quotaBytes: pick(mailbox.quotaBytes),
      strangerQuotaCount: pick(mailbox.strangerQuotaCount),
      strangerQuotaBytes: pick(mailbox.strangerQuotaBytes),
      scrubEveryMs: pick(mailbox.scrubEveryMs),
      sweepEveryMs: pick(mailbox.sweepEveryMs),
    },
    stream: {
      inFlight: pick(stream.inFlight),
      maxMessageBytes: pick(stream.maxMessageBytes),
      idleTimeoutMs: pick(stream.idleTimeoutMs),
      maxBufferedBytes: pick(stream.maxBufferedBytes),
    },
    connections: {
      perAddress: pick(connections.perAddress),
      inAll: pick(connections.inAll),
      headersMs: pick(connections.headersMs),
      requestMs: pick(connections.requestMs),
      keepAliveMs: pick(connections.keepAliveMs),
    },
    accounts: {
      lockIdleMs: pick(accounts.lockIdleMs),
      linkedDevices: pick(accounts.linkedDevices),
      linkTtlMs: pick(accounts.linkTtlMs),
      deviceIdleMs: pick(accounts.deviceIdleMs),
    },
    tokens: { accessTtlMs: pick(tokens.accessTtlMs), ticketTtlMs: pick(tokens.ticketTtlMs) },
    limits: {
      codesPerNumber: bucket('codesPerNumber'),
      codesPerAddress: bucket('codesPerAddress'),
      codesPerPrefix: bucket('codesPerPrefix'),
      codesInAll: bucket('codesInAll'),
      guessesPerNumber: bucket('guessesPerNumber'),
      linkingsPerAddress: bucket('linkingsPerAddress'),
      registrationsPerAddress: bucket('registrationsPerAddress'),
      refreshesPerAddress: bucket('refreshesPerAddress'),
      requestsPerAddress: bucket('requestsPerAddress'),
      upgradesPerAddress: bucket('upgradesPerAddress'),
      writesPerAccount: bucket('writesPerAccount'),
      groupKibPerAccount: bucket('groupKibPerAccount'),
      groupRepairsPerMember: bucket('groupRepairsPerMember'),
      groupRecordsPerGuest: bucket('groupRecordsPerGuest'),
      groupGuestsPerGroup: bucket('groupGuestsPerGroup'),
      groupAvatarsPerAccount: bucket('groupAvatarsPerAccount'),
      groupAvatarsPerGroup: bucket('groupAvatarsPerGroup'),
      lookupsPerAccount: bucket('lookupsPerAccount'),
      lookupsPerAddress: bucket('lookupsPerAddress'),
      bundlesPerPair: bucket('bundlesPerPair'),
      bundlesPerTarget: bucket('bundlesPerTarget'),
      sealedPerKey: bucket('sealedPerKey'),
      sealedPerAddress: bucket('sealedPerAddress'),
      sendsToStranger: bucket('sendsToStranger'),
      sendsToContact: bucket('sendsToContact'),
      sendsPerDevice: bucket('sendsPerDevice'),
      ephemeralsPerStream: bucket('ephemeralsPerStream'),
    },
    logLevel: pick(configKeys.logLevel),
  };
  checkTogether(config, given);
  return config;
}

/** What one value alone can't show. */
function checkTogether(config: RelayConfig, given: ReadonlyMap<string, Raw>): void {
  const { blobs, codes, trustedProxies } = config;
  const fromOf = (name: string) => given.get(name)?.from ?? 'defaults';
  checkBlobs(blobs, fromOf);
  checkCluster(config, fromOf);
  if (!trustedProxies.every(isNetwork)) {
    throw invalid(
      given.get('trustedProxies')?.from ?? 'defaults',
      '`trustedProxies` has to be a list of addresses or networks like `10.0.0.0/8` or `fd00::/8`.',
    );
  }
  if (codes.sender !== 'webhook') return;
  const from = given.get('codes.sender')?.from ?? 'defaults';
  if (codes.url === '' || codes.secret === '') {
    throw invalid(from, '`codes.sender` is `webhook`: set `codes.url` and `codes.secret` too.');
  }
  if (codes.secret.length < 16) {
    throw invalid(given.get('codes.secret')?.from ?? from, '`codes.secret` has to have at least 16 characters.');
  }
  const scheme = URL.canParse(codes.url) ? new URL(codes.url).protocol : '';
  if (scheme !== 'https:' && !(scheme === 'http:' && codes.allowPrivateWebhook)) {
    throw invalid(
      given.get('codes.url')?.from ?? from,
      '`codes.url` has to be an https address (http needs `codes.allowPrivateWebhook: true`).',
    );
  }
}

function checkBlobs({ store, s3 }: RelayConfig['blobs'], fromOf: (name: string) => string): void {
  if (store !== 's3') return;
  if (s3.bucket === '') throw invalid(fromOf('blobs.store'), '`blobs.store` is `s3`: set `blobs.s3.bucket` too.');
  if (s3.endpoint !== '' && !URL.canParse(s3.endpoint)) {
    throw invalid(
      fromOf('blobs.s3.endpoint'),
      '`blobs.s3.endpoint` has to be an address like `https://s3.example:9000`.',
    );
  }
  if ((s3.accessKeyId === '') !== (s3.secretAccessKey === '')) {
    throw invalid(
      fromOf('blobs.store'),
      'set `blobs.s3.accessKeyId` and `blobs.s3.secretAccessKey` both, or neither: then those of the machine are used.',
    );
  }
  if (s3.prefix !== '' && !/^[\w./-]{1,100}\/$/.test(s3.prefix)) {
    throw invalid(fromOf('blobs.s3.prefix'), '`blobs.s3.prefix` has to be a text that ends in a slash, like `sotto/`.');
  }
}

function* rawOfFile(file: ConfigSources['file']): Iterable<[string, Raw]> {
  if (file === undefined) return;
  let root: unknown;
  try {
    root = JSON.parse(file.text);
  } catch (cause) {
    throw new RelayError('config-invalid', `${file.path}: not JSON: correct it (a comma too many, a quote too few?).`, {
      cause,
    });
  }
  if (!isObject(root)) throw invalid(file.path, 'the file has to hold a JSON object.');
  const known = allConfigKeys.map((key) => key.name);
  for (const [name, value] of leaves(root, '', known)) {
    if (!known.includes(name)) throw unknownKey(file.path, name, known);
    yield [name, { from: file.path, value }];
  }
}

/** Values with their dotted names; an object is opened while some key begins with its name. */
function* leaves(node: object, prefix: string, known: readonly string[]): Iterable<[string, unknown]> {
  for (const [part, value] of Object.entries(node)) {
    const name = prefix + part;
    if (isObject(value) && known.some((key) => key.startsWith(`${name}.`))) yield* leaves(value, `${name}.`, known);
    else yield [name, value];
  }
}

function* rawOfEnvironment(environment: Readonly<Record<string, string | undefined>>): Iterable<[string, Raw]> {
  const names = new Map(allConfigKeys.map((key) => [variableOf(key.name), key.name]));
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith('SOTTO_') || value === undefined || foreignVariables.includes(variable)) continue;
    const name = names.get(variable);
    if (name === undefined) throw unknownKey('environment', variable, [...names.keys()]);
    yield [name, { from: `environment variable ${variable}`, value }];
  }
}

function unknownKey(from: string, name: string, known: readonly string[]): RelayError {
  const sections = new Set(known.flatMap((key) => (key.includes('.') ? [key.slice(0, key.indexOf('.'))] : [])));
  const near = nearestName(name, [...known, ...sections]);
  return invalid(
    from,
    `unknown key \`${name}\`${near === undefined ? '; `sotto-relay --help` lists them.' : `: did you mean \`${near}\`?`}`,
  );
}

function invalid(from: string, message: string): RelayError {
  return new RelayError('config-invalid', `${from}: ${message}`);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
