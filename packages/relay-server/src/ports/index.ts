export type {
  AccountControl,
  AccountEnding,
  AccountRemains,
  AccountStanding,
  LockChange,
  MoveOutcome,
  NumberMove,
  ProvenOwner,
} from './account-control.ts';
export type {
  AccountStore,
  ListedDevice,
  NewAccount,
  PrekeyRenewal,
  RegistrationOutcome,
  StoredDeviceList,
} from './account-store.ts';
export type { BlobStore } from './blob-store.ts';
export type { ChallengeCheck, ChallengeRequest, ChallengeVerdict } from './challenge-check.ts';
export type { Clock } from './clock.ts';
export type { ClusterEngines, EngineCheck } from './cluster-engines.ts';
export type { CodeMessage, CodeSender } from './code-sender.ts';
export type { DeviceCodeStore } from './device-code-store.ts';
export type { DeviceIncarnation } from './device-incarnation.ts';
export type { DeviceSighting, DeviceStore, JoinedDevice, JoinOutcome, NewDevice } from './device-store.ts';
export type {
  GroupAvatarPlace,
  GroupAvatarReservation,
  GroupAvatarStore,
  GroupAvatarUpload,
} from './group-avatar-store.ts';
export type {
  GroupAppend,
  GroupAppendStatus,
  GroupCaller,
  GroupInvite,
  GroupMembersChange,
  GroupMembersNow,
  GroupPage,
  GroupPageSize,
  GroupReader,
  GroupRecord,
  GroupRepair,
  GroupRepairStatus,
  GroupSeal,
  GroupStore,
  GroupSummary,
} from './group-store.ts';
export type { DeviceAddress, DeviceId, DeviceKey, GroupId, LaneId, NumberMac, UserId } from './ids.ts';
export type { LinkPoll, LinkStore, NewLink } from './link-store.ts';
export { type ListedDevices, type ListedUser, listedDevice } from './listed-devices.ts';
export type { LogFields, Logger } from './logger.ts';
export type { LedgerEntry, MailLedger } from './mail-ledger.ts';
export type {
  LogAssignment,
  LogConsumer,
  LogConsumerOptions,
  LogFence,
  LogGap,
  LogHandlers,
  LogHeaders,
  LogPartition,
  LogPosition,
  LogRecord,
  LogRevocation,
  LogTopic,
  MailLog,
} from './mail-log.ts';
export type {
  MailAppend,
  Mailbox,
  MailDevice,
  MailEntry,
  MailItem,
  MailOrder,
  MailQuota,
  MailReader,
  MailReceipt,
  MailRecipient,
  MailResult,
  MailUsage,
} from './mailbox.ts';
export type { Counter, Gauge, Histogram, MetricLabels, Metrics } from './metrics.ts';
export type {
  NodeHandler,
  NodeLink,
  NodeLinkLimits,
  NodeRefusal,
  NodeReply,
  NodeRequestOptions,
} from './node-link.ts';
export type { Nodes } from './nodes.ts';
export {
  longestPendingMs,
  type PendingCursor,
  type PendingMail,
  type PendingPage,
  type PendingPlace,
  type PendingRow,
  type PendingSpan,
  type PendingStore,
  type PendingView,
} from './pending-store.ts';
export type {
  EcPrekey,
  PrekeyPut,
  PrekeySet,
  PrekeyStore,
  PrekeysLeft,
  SignedPrekey,
  TakenPrekeys,
} from './prekey-store.ts';
export type { Holder, Keeping, Presence, PresenceClaim } from './presence.ts';
export type { Randomness } from './randomness.ts';
export type { RateLimit, RateLimiter } from './rate-limiter.ts';
export type { LockAttempt, LockRefusal, RegistrationLock } from './registration-lock.ts';
export type { RelayAddress, RelayListener } from './relay-listener.ts';
export type { RelayStores } from './relay-stores.ts';
export type { SendClaim, SendKey, SendReceipt, SendReceipts } from './send-receipts.ts';
export type { TicketStore } from './ticket-store.ts';
export type { CancelTimer, Timers } from './timers.ts';
export type { RotationOutcome, Session, TokenEnd, TokenRotation, TokenStore } from './token-store.ts';
export type { RelayStep, Tracer } from './tracer.ts';
export type {
  Verification,
  VerificationAttempt,
  VerificationGuess,
  VerificationStart,
  VerificationStore,
} from './verification-store.ts';
