import type { SendOutcome } from './action.ts';

/** How many messages of each class there are. */
export interface Counts {
  /** All that were invoked. */
  readonly messages: number;
  /** `send` resolved. */
  readonly accepted: number;
  /** `send` was called and did not say how it ended: the message may be everywhere or nowhere. */
  readonly ambiguous: number;
  /** Those of the ambiguous ones that are there. */
  readonly arrived: number;
  /** `send` said that it was not stored. */
  readonly refused: number;
  /** The sender was told that they will not come, and they did not. */
  readonly expired: number;
  /** The sender was told that they could not be sent, and not all have them. */
  readonly failed: number;
  /** There, flagged late. */
  readonly recovered: number;
  /** Events that were told again, as they may be after a crash of the consumer. */
  readonly replayed: number;
  /** Removed again by a receiver, as it may: for each receiver once. */
  readonly dropped: number;
  readonly lost: number;
  readonly unexpected: number;
  readonly duplicated: number;
  readonly misordered: number;
  readonly untold: number;
}

/**
 * What must not be:
 * - `lost`: not in a history that has to have it, since `send` resolved, or since another device of the chat has it or had it. Those for whom it was not (`address`) have to have it only if they had it once.
 * - `unexpected`: in a history though nobody sent it there, though it was refused, or though it was for others.
 * - `duplicated`: more than once in one history.
 * - `misordered`: in a history, or told, before one that its device had sent earlier, and not flagged late.
 * - `untold`: in the history of a device whose program listens, and never told.
 */
export type AnomalyKind = 'lost' | 'unexpected' | 'duplicated' | 'misordered' | 'untold';

export const anomalyKinds: readonly AnomalyKind[] = ['lost', 'unexpected', 'duplicated', 'misordered', 'untold'];

/** One anomaly, with what is known about how far the message got. */
export interface Anomaly {
  readonly kind: AnomalyKind;
  readonly sender: string;
  readonly chat: string;
  readonly message: string;
  /** In whose history it is missing, or where it should not be. */
  readonly device: string;
  /** The last `send-result`; undefined when there is none. */
  readonly outcome: SendOutcome | undefined;
  readonly invokedAt: bigint | undefined;
  /** What that device wrote about the message. */
  readonly applied: boolean;
  readonly acked: boolean;
  readonly delivered: boolean;
}

/** The counts of what one device sent into one chat. */
export interface StreamVerdict {
  readonly sender: string;
  readonly chat: string;
  readonly counts: Counts;
}

/** What `classify` found. */
export interface Verdict {
  /** Whether there is no anomaly, and something that could have had one. */
  readonly ok: boolean;
  /** Nobody sent anything, as far as the actions say: a run that shows nothing, most likely because its logs were not found. Never `ok`. */
  readonly isEmpty: boolean;
  readonly counts: Counts;
  readonly streams: readonly StreamVerdict[];
  readonly anomalies: readonly Anomaly[];
}

/** An anomaly as a line of text. */
export function describeAnomaly(anomaly: Anomaly): string {
  const { kind, sender, chat, message, device, outcome, applied, acked, delivered } = anomaly;
  const steps = [
    `send ${outcome ?? 'without a result'}`,
    applied ? 'applied' : 'not applied',
    acked ? 'acked' : 'not acked',
    delivered ? 'told' : 'not told',
  ];
  return `${kind}: "${message}" of ${sender} in ${chat} at ${device} (${steps.join(', ')})`;
}
