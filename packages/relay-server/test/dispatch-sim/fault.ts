/** What can go wrong in a schedule; a seed draws which of them may. */
export const faults = [
  'drop',
  'move',
  'late-ack',
  'ack-disorder',
  'old-ack',
  'crash',
  'pause',
  'late-revoke',
  'rebalance',
  'rpc-loss',
  'rpc-dup',
  'rpc-reorder',
  'op-timeout',
  'op-refused',
  'op-slow',
  'wipe',
  'rollback',
  'stale-presence',
  'repeated-epoch',
  'skew',
  'slow',
  'recreate',
  'poison',
  'expiry',
  'backdated',
] as const;

export type Fault = (typeof faults)[number];

/** Faults after which a hint may be lost, or go to the wrong node: then only the timer finds a row. */
export const hintFaults: ReadonlySet<Fault> = new Set<Fault>([
  'crash',
  'rpc-loss',
  'op-timeout',
  'op-refused',
  'wipe',
  'rollback',
  'stale-presence',
  'repeated-epoch',
  'expiry',
]);

/**
 * Mistakes that somebody could make in the worker or in the machines, each of which the simulator has to find. The first seven are the design's and the brief's,
 * the others stand for rules that the simulator has shown to be needed.
 */
export const plantedBugs = [
  'hint-before-spill',
  'spill-forgotten-at-take-over',
  'unbounded-range-delete',
  'commit-past-a-hole',
  'commit-after-revocation',
  'presence-not-reread',
  'prev-ko-not-checked',
  'read-before-claim',
  'pages-above-the-span',
  'unsettled-taken-for-settled',
  'commit-without-topic-id',
  'reclaim-as-login',
  'rows-by-day',
] as const;

export type PlantedBug = (typeof plantedBugs)[number];
