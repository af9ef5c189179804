/**
 * What can go wrong behind the mail of a cluster's node, and how loud that is said.
 *
 * `warn`: it is tried again or made up for, and costs no mail. `error`: mail is lost, or lies where nobody reads it: somebody has to look.
 */
export const nodeFailures = {
  'hand-over.refused': 'warn',
  'inbox.claim-failed': 'warn',
  'inbox.release-failed': 'warn',
  'ledger.read-failed': 'warn',
  'ledger.release-failed': 'warn',
  'ledger.reserve-failed': 'warn',
  'listed.read-failed': 'warn',
  'listener.failed': 'warn',
  'mail-log.commit-failed': 'warn',
  'mail-log.delete-failed': 'warn',
  'mail-log.failed': 'warn',
  'mail-log.park-failed': 'warn',
  'mail-log.poison': 'error',
  'mail-log.skipped': 'error',
  'nodes.announce-failed': 'warn',
  'nodes.read-failed': 'warn',
  'pending.forget-failed': 'warn',
  'pending.read-failed': 'warn',
  'pending.spill-failed': 'warn',
  'pending.unreadable': 'error',
  'presence.keep-failed': 'warn',
  'presence.read-failed': 'warn',
  'reach.failed': 'warn',
  'reach.not-heard': 'warn',
  'receipts.abandon-failed': 'warn',
  'receipts.claim-failed': 'warn',
  'receipts.settle-failed': 'warn',
} as const;

/** The name of what went wrong: stable, as logs and metrics have it. */
export type NodeFailure = keyof typeof nodeFailures;
