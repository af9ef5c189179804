/**
 * Points on the way of a message and of an account, in order of time, where a crash would hurt most.
 *
 * Crash tests end the process there; an operator may count them.
 */
export type RelayStep =
  | 'mailbox.append.before-fsync'
  | 'mailbox.append.durable'
  | 'send.result.sent'
  | 'deliver.sent'
  | 'ack.received'
  | 'ack.durable'
  | 'registration.before-fsync'
  | 'registration.durable'
  | 'device-list.before-fsync'
  | 'device-list.durable'
  | 'group-record.before-fsync'
  | 'group-record.durable'
  | 'deletion.before-fsync'
  | 'deletion.durable'
  | 'token.durable'
  | 'prekeys.durable';

/** Is told each step as it is reached. Called synchronously, must not throw. */
export interface Tracer {
  reached(step: RelayStep): void;
}
