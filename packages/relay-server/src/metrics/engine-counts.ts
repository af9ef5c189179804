import type { ClusterEngines } from '../ports/cluster-engines.ts';
import type { LogConsumer, MailLog } from '../ports/mail-log.ts';
import type { Counter, Metrics } from '../ports/metrics.ts';
import { RelayError, type RelayErrorCode } from '../relay-error.ts';

/** As metrics name them; which adapters stand behind is another matter. */
export type EngineName = 'kafka' | 'cassandra' | 'redis' | 's3';

/** Of an engine or of what stands in it; all others are answers, as to whether a number is taken. */
const failures: ReadonlySet<RelayErrorCode> = new Set([
  'store-unavailable',
  'store-corrupt',
  'store-newer',
  'store-locked',
  'config-invalid',
  'request-too-large',
  'internal',
]);

/**
 * The engines of a cluster with each call of their ports counted: how long it took, by engine and operation (`log.append`), and how it failed, by engine and code.
 *
 * What is called and answered stays as it is. Operations are names of methods, codes those of {@link RelayErrorCode}: no label is ever somebody's.
 */
export function countedEngines(engines: ClusterEngines, metrics: Metrics): ClusterEngines {
  const count = portCounter(metrics);
  const { stores } = engines;
  return {
    stores: {
      accounts: count('cassandra', 'accounts', stores.accounts),
      control: count('cassandra', 'control', stores.control),
      tokens: count('cassandra', 'tokens', stores.tokens),
      prekeys: count('cassandra', 'prekeys', stores.prekeys),
      devices: count('cassandra', 'devices', stores.devices),
      groups: count('cassandra', 'groups', stores.groups),
      groupAvatars: count('cassandra', 'groupAvatars', stores.groupAvatars),
      blobs: count('s3', 'blobs', stores.blobs),
      verifications: count('redis', 'verifications', stores.verifications),
      rateLimiter: count('redis', 'rateLimiter', stores.rateLimiter),
      tickets: count('redis', 'tickets', stores.tickets),
      links: count('redis', 'links', stores.links),
      deviceCodes: count('redis', 'deviceCodes', stores.deviceCodes),
    },
    log: count('kafka', 'log', consumersCounted(engines.log, count)),
    pending: count('cassandra', 'pending', engines.pending),
    presence: count('redis', 'presence', engines.presence),
    receipts: count('redis', 'receipts', engines.receipts),
    ledger: count('redis', 'ledger', engines.ledger),
    listed: count('cassandra', 'listed', engines.listed),
    nodes: count('redis', 'nodes', engines.nodes),
    checks: engines.checks,
    close: () => engines.close(),
  };
}

type CountPort = <Port extends object>(engine: EngineName, name: string, port: Port) => Port;

function portCounter(metrics: Metrics): CountPort {
  const failed = new Map<string, Counter>();
  const fail = (engine: EngineName, error: unknown) => {
    const code = error instanceof RelayError ? error.code : 'internal';
    if (!failures.has(code)) return;
    const name = `${engine} ${code}`;
    const counter =
      failed.get(name) ??
      metrics.counter('relay_engine_failures_total', 'Calls of an engine that failed', { engine, code });
    failed.set(name, counter);
    counter.add(1);
  };
  for (const engine of ['kafka', 'cassandra', 'redis', 's3'] as const) {
    const labels = { engine, code: 'store-unavailable' };
    const counter = metrics.counter('relay_engine_failures_total', 'Calls of an engine that failed', labels);
    failed.set(`${engine} store-unavailable`, counter);
  }
  return (engine, name, port) => {
    const counted = new Map<string, unknown>();
    return new Proxy(port, {
      get(target, method) {
        const value: unknown = Reflect.get(target, method, target);
        if (typeof value !== 'function' || typeof method !== 'string') return value;
        const known = counted.get(method);
        if (known !== undefined) return known;
        const timing = metrics.histogram('relay_engine_seconds', 'Calls of an engine, failed ones too', {
          engine,
          operation: `${name}.${method}`,
        });
        const call = (...args: unknown[]): unknown => {
          const observe = timing.startTimer();
          const result: unknown = Reflect.apply(value, target, args);
          if (!(result instanceof Promise)) {
            observe();
            return result;
          }
          return result.finally(observe).catch((error: unknown) => {
            fail(engine, error);
            throw error;
          });
        };
        counted.set(method, call);
        return call;
      },
    });
  };
}

/** A log whose consumers are counted, too. */
function consumersCounted(log: MailLog, count: CountPort): MailLog {
  return new Proxy(log, {
    get(target, method) {
      const value: unknown = Reflect.get(target, method, target);
      if (typeof value !== 'function') return value;
      if (method !== 'consume') return value.bind(target);
      return async (...args: Parameters<MailLog['consume']>): Promise<LogConsumer> =>
        count('kafka', 'consumer', await target.consume(...args));
    },
  });
}
