/** Points on the way of a message and of an account, where a crash would hurt most. */
export type ClientStep =
  | 'send.committed'
  | 'seal.before-commit'
  | 'seal.committed'
  | 'send.bytes-left'
  | 'result.before-commit'
  | 'result.committed'
  | 'deliver.received'
  | 'decrypt.before-commit'
  | 'receive.committed'
  | 'receipt.queued'
  | 'ack.left'
  | 'registration.draft-committed'
  | 'registration.answered'
  | 'registration.committed'
  | 'deletion.begun'
  | 'deletion.answered'
  | 'deletion.committed'
  | 'device-list.committed'
  | 'device-list.answered'
  | 'device-list.taken-over'
  | 'group-change.committed'
  | 'group-change.answered'
  | 'group-change.settled'
  | 'token.next-committed'
  | 'token.answered'
  | 'token.committed'
  | 'prekeys.committed'
  | 'prekeys.uploaded'
  | 'prekeys.recorded';

/** Is told each step as it is reached. Called synchronously, must not throw. Crash tests end the process there. */
export interface Tracer {
  reached(step: ClientStep): void;
}
