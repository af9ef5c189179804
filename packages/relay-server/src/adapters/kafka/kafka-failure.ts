import { RelayError } from '../../relay-error.ts';

/** Kafka's error codes that this adapter tells apart. https://kafka.apache.org/protocol#protocol_error_codes */
export const kafkaCode = {
  offsetOutOfRange: 1,
  unknownTopic: 3,
  leaderNotAvailable: 5,
  notLeader: 6,
  messageTooLarge: 10,
  coordinatorLoading: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  recordListTooLarge: 18,
  illegalGeneration: 22,
  inconsistentProtocol: 23,
  unknownMember: 25,
  invalidSessionTimeout: 26,
  rebalanceInProgress: 27,
  topicRefused: 29,
  groupRefused: 30,
  clusterRefused: 31,
  topicExists: 36,
  invalidPartitions: 37,
  invalidReplication: 38,
  invalidConfig: 40,
  fencedLeaderEpoch: 74,
  unknownLeaderEpoch: 75,
  fencedInstance: 82,
  unknownTopicId: 100,
} as const;

/** The codes of Kafka's errors, and of Node's, in all of an error: the client wraps them in causes and aggregates. */
export function codesOf(error: unknown): ReadonlySet<number | string> {
  const codes = new Set<number | string>();
  const look = (one: unknown, depth: number) => {
    if (!(one instanceof Error) || depth > 8) return;
    if ('apiCode' in one && typeof one.apiCode === 'number') codes.add(one.apiCode);
    if ('code' in one && typeof one.code === 'string') codes.add(one.code);
    look(one.cause, depth + 1);
    if (one instanceof AggregateError) for (const inner of one.errors) look(inner, depth + 1);
  };
  look(error, 0);
  return codes;
}

const refusals: readonly (number | string)[] = [
  'PLT_KFK_AUTHENTICATION',
  kafkaCode.topicRefused,
  kafkaCode.groupRefused,
  kafkaCode.clusterRefused,
];

/** Of certificates that Node does not trust, and of a handshake with a broker that speaks no TLS, or nothing else. */
const tlsRefusal = /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|EPROTO$)/;

/**
 * What a `MailLog` throws when Kafka, or the client, has failed with this. The cause stands in it.
 *
 * Who refuses this relay by now is `store-unavailable` (retryable) like who can't be reached: credentials, rights and certificates are changed while it runs, and what its clients ask for is none of their fault.
 */
export function storeFailure(cause: unknown): RelayError {
  if (cause instanceof RelayError) return cause;
  if (cause instanceof TypeError || cause instanceof ReferenceError) {
    return new RelayError('internal', 'The relay has an error in how it speaks with Kafka.', { cause });
  }
  const codes = codesOf(cause);
  const text = cause instanceof Error ? cause.message : '';
  const refusal = refusalIn(cause, codes);
  if (refusal !== undefined) return new RelayError('store-unavailable', refusal, { retryable: true, cause });
  if (codes.has(kafkaCode.unknownTopic) || text.startsWith('Unknown topic')) {
    return new RelayError('config-invalid', 'Kafka has not got a topic of the relay: make the topics first.', {
      cause,
    });
  }
  if (codes.has(kafkaCode.invalidSessionTimeout)) {
    return new RelayError('config-invalid', "The session's time-out is not one that Kafka's brokers allow.", { cause });
  }
  if (codes.has(kafkaCode.inconsistentProtocol)) {
    return new RelayError(
      'config-invalid',
      'Something else than this relay is in its group: give one of them another.',
      {
        cause,
      },
    );
  }
  if (codes.has(kafkaCode.messageTooLarge) || codes.has(kafkaCode.recordListTooLarge)) {
    return new RelayError('request-too-large', 'This record is larger than its topic takes.', { cause });
  }
  return new RelayError('store-unavailable', 'Kafka can not be reached, or did not answer in time. Try again.', {
    retryable: true,
    cause,
  });
}

/** What it means when the relay opens its log: who is refused then is for the operator, `config-invalid`; all else as {@link storeFailure}. */
export function openFailure(cause: unknown): RelayError {
  const refusal = cause instanceof RelayError ? undefined : refusalIn(cause, codesOf(cause));
  if (refusal !== undefined) return new RelayError('config-invalid', refusal, { cause });
  if (cause instanceof RelayError || !wasEnded(cause)) return storeFailure(cause);
  return new RelayError(
    'store-unavailable',
    "Kafka's brokers take a connection and end it. If they want to know who comes, set `kafka.sasl.mechanism`, `kafka.sasl.username` and `kafka.sasl.password`; if they speak TLS, set `kafka.tls` to `true`; if neither, try again.",
    { retryable: true, cause },
  );
}

/** Whether a broker was reached and has said nothing: so do those that want another protocol than they hear. */
function wasEnded(cause: unknown): boolean {
  return codesOf(cause).has('PLT_KFK_NETWORK') && wordsOf(cause).includes('Connection closed');
}

/** What to do about a broker that does not let this relay in; `undefined` when it is something else. */
function refusalIn(cause: unknown, codes: ReadonlySet<number | string>): string | undefined {
  if (cause instanceof TypeError || cause instanceof ReferenceError) return undefined;
  if (refusals.some((code) => codes.has(code))) {
    return 'Kafka refuses this relay: check `kafka.sasl` in its settings, and the rights that this name has there.';
  }
  if ([...codes].some((code) => tlsRefusal.test(`${code}`)) || wordsOf(cause).includes('TLS')) {
    return 'No TLS connection to Kafka could be made: check `kafka.tls`, `kafka.authorityFile` and the certificates of the brokers.';
  }
  return undefined;
}

/** Gives what a promise does, or throws as a `MailLog` may. */
export async function orStoreFailure<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw storeFailure(error);
  }
}

/** The messages of an error and of all that caused it. */
function wordsOf(error: unknown, depth = 0): string {
  if (!(error instanceof Error) || depth > 8) return '';
  const inner = error instanceof AggregateError ? error.errors : [];
  return [error.message, ...[error.cause, ...inner].map((one) => wordsOf(one, depth + 1))].join(' ');
}
