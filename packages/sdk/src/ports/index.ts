export type { SessionEnd, SottoErrorAction, SottoErrorCode, SottoErrorOptions } from '../sotto-error.ts';
export { SottoError } from '../sotto-error.ts';
export type { AccountRecord, FormerIdentity, RegistrationRecord } from './account-record.ts';
export type { Change, PrunedKind, Pruning, RecordKeys, RecordKind, Records } from './changes.ts';
export type { ChatRecord, Place, SeqGap, StreamRecord } from './chat-record.ts';
export type { Clock } from './clock.ts';
export type { CertificateRecord, ListIntentRecord, OwnDeviceRecord } from './device-records.ts';
export type { EphemeralSecretRecord } from './ephemeral-record.ts';
export type { CursorRecord, EventFact, EventRecord, GroupNews } from './event-records.ts';
export type { GroupQueries } from './group-queries.ts';
export type {
  GroupFork,
  GroupHeadRecord,
  GroupIntentRecord,
  GroupKeyRecord,
  GroupMemberRecord,
  GroupRecord,
  GroupStanding,
  MissingGroupKey,
  OwnChainRecord,
  SenderKeyRecord,
  SenderKeySharedRecord,
} from './group-records.ts';
export type { Sha256 } from './hash.ts';
export type { ChatId, DeviceAddress, DeviceId, GroupId, MessageId, UserId } from './ids.ts';
export type { HeldReason, HeldRecord, HeldUsage, SeenRecord } from './inbox-records.ts';
export type {
  ChainCounter,
  IdentityPolicy,
  IdentityRecord,
  KyberUseRecord,
  PendingIdentity,
  PrekeyKind,
  PrekeyRecord,
  SessionRecord,
} from './key-records.ts';
export type { LogFields, Logger } from './logger.ts';
export type { MessageRecord, MessageState, ReceiptRecord } from './message-record.ts';
export type { OutboxPartRecord, OutboxRecord, SealedSend } from './outbox-record.ts';
export type { BodyReader, Fetch, Platform } from './platform.ts';
export type { Randomness } from './randomness.ts';
export { recordKey } from './record-key.ts';
export type { RepairRecord, ResendRecord } from './repair-records.ts';
export type { SnapshotChat, SnapshotContact, SnapshotGroup, SnapshotImport } from './snapshot-import.ts';
export type { Socket, SocketCredential, SocketFactory, SocketHandlers } from './socket.ts';
export type { MessagePage, Store, StoreCounters, StoreOpener, StoreOpening, StoreQueries } from './store.ts';
export type { CancelTimer, Timers } from './timers.ts';
export type { ClientStep, Tracer } from './tracer.ts';
export type { DeclinedRecord, DeviceListRecord, NamedListRecord, UserRecord } from './user-record.ts';
