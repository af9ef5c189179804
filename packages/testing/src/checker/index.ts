export type { Action, DeviceHistory, DeviceTime, HistoryEntry, OfMessage, SendOutcome } from './action.ts';
export { ActionLog, monotonicNow, type NewAction, readActionLog } from './action-log.node.ts';
export { classify } from './classify.ts';
export { type Audience, type Membership, Memberships } from './memberships.ts';
export {
  type Anomaly,
  type AnomalyKind,
  anomalyKinds,
  type Counts,
  describeAnomaly,
  type StreamVerdict,
  type Verdict,
} from './verdict.ts';
