import type { AccountRecord, RegistrationRecord } from './account-record.ts';
import type { ChatRecord, StreamRecord } from './chat-record.ts';
import type { CertificateRecord, ListIntentRecord, OwnDeviceRecord } from './device-records.ts';
import type { EphemeralSecretRecord } from './ephemeral-record.ts';
import type { CursorRecord, EventRecord } from './event-records.ts';
import type {
  GroupHeadRecord,
  GroupIntentRecord,
  GroupKeyRecord,
  GroupMemberRecord,
  GroupRecord,
  OwnChainRecord,
  SenderKeyRecord,
  SenderKeySharedRecord,
} from './group-records.ts';
import type { GroupId } from './ids.ts';
import type { HeldRecord, SeenRecord } from './inbox-records.ts';
import type { IdentityRecord, KyberUseRecord, PrekeyRecord, SessionRecord } from './key-records.ts';
import type { MessageRecord, ReceiptRecord } from './message-record.ts';
import type { OutboxPartRecord, OutboxRecord } from './outbox-record.ts';
import type { RepairRecord, ResendRecord } from './repair-records.ts';
import type { DeclinedRecord, DeviceListRecord, NamedListRecord, UserRecord } from './user-record.ts';

/** Every kind of record that a store holds. */
export interface Records {
  readonly account: AccountRecord;
  readonly registration: RegistrationRecord;
  readonly user: UserRecord;
  readonly deviceList: DeviceListRecord;
  readonly namedList: NamedListRecord;
  readonly declined: DeclinedRecord;
  readonly identity: IdentityRecord;
  readonly session: SessionRecord;
  readonly prekey: PrekeyRecord;
  readonly kyberUse: KyberUseRecord;
  readonly chat: ChatRecord;
  readonly stream: StreamRecord;
  readonly message: MessageRecord;
  readonly receipt: ReceiptRecord;
  readonly outbox: OutboxRecord;
  readonly outboxPart: OutboxPartRecord;
  readonly seen: SeenRecord;
  readonly held: HeldRecord;
  readonly event: EventRecord;
  readonly cursor: CursorRecord;
  readonly resend: ResendRecord;
  readonly repair: RepairRecord;
  readonly ephemeralSecret: EphemeralSecretRecord;
  readonly group: GroupRecord;
  readonly groupMember: GroupMemberRecord;
  readonly groupKey: GroupKeyRecord;
  readonly groupHead: GroupHeadRecord;
  readonly groupIntent: GroupIntentRecord;
  readonly senderKey: SenderKeyRecord;
  readonly ownChain: OwnChainRecord;
  readonly senderKeyShared: SenderKeySharedRecord;
  readonly ownDevice: OwnDeviceRecord;
  readonly listIntent: ListIntentRecord;
  readonly certificate: CertificateRecord;
}

export type RecordKind = keyof Records;

/** The fields by which a record of each kind is found; they never change. */
export interface RecordKeys {
  readonly account: Record<never, never>;
  readonly registration: Record<never, never>;
  readonly user: Pick<UserRecord, 'id'>;
  readonly deviceList: Pick<DeviceListRecord, 'userId'>;
  readonly namedList: Pick<NamedListRecord, 'userId'>;
  readonly declined: Pick<DeclinedRecord, 'userId'>;
  readonly identity: Pick<IdentityRecord, 'userId'>;
  readonly session: Pick<SessionRecord, 'userId' | 'deviceId'>;
  readonly prekey: Pick<PrekeyRecord, 'kind' | 'id'>;
  readonly kyberUse: Pick<KyberUseRecord, 'kyberId' | 'signedId' | 'baseKey'>;
  readonly chat: Pick<ChatRecord, 'id'>;
  readonly stream: Pick<StreamRecord, 'chatId' | 'userId' | 'deviceId'>;
  readonly message: Pick<MessageRecord, 'id'>;
  readonly receipt: Pick<ReceiptRecord, 'messageId' | 'userId'>;
  readonly outbox: Pick<OutboxRecord, 'id'>;
  readonly outboxPart: Pick<OutboxPartRecord, 'id'>;
  readonly seen: Pick<SeenRecord, 'key'>;
  readonly held: Pick<HeldRecord, 'digest'>;
  readonly event: Pick<EventRecord, 'changeSeq'>;
  readonly cursor: Pick<CursorRecord, 'name'>;
  readonly resend: Pick<ResendRecord, 'messageId' | 'userId' | 'deviceId'>;
  readonly repair: Pick<RepairRecord, 'userId' | 'deviceId'>;
  readonly ephemeralSecret: Pick<EphemeralSecretRecord, 'userId' | 'direction' | 'deviceId'>;
  readonly group: Pick<GroupRecord, 'id'>;
  readonly groupMember: Pick<GroupMemberRecord, 'groupId' | 'userId'>;
  readonly groupKey: Pick<GroupKeyRecord, 'groupId' | 'keyEpoch' | 'keyCommitment'>;
  readonly groupHead: Pick<GroupHeadRecord, 'groupId' | 'revision'>;
  readonly groupIntent: Pick<GroupIntentRecord, 'groupId'>;
  readonly senderKey: Pick<SenderKeyRecord, 'userId' | 'deviceId' | 'distributionId'>;
  readonly ownChain: Pick<OwnChainRecord, 'groupId'>;
  readonly senderKeyShared: Pick<SenderKeySharedRecord, 'distributionId' | 'userId' | 'deviceId'>;
  readonly ownDevice: Pick<OwnDeviceRecord, 'deviceId'>;
  readonly listIntent: Record<never, never>;
  readonly certificate: Record<never, never>;
}

/** The kinds of which what has become too old is removed. */
export type PrunedKind = 'seen' | 'kyberUse' | 'event' | 'resend';

/** What a `prune` removes: all records of a kind that have become too old, or that belong to what was given up. */
export type Pruning =
  /** `seen`, `kyberUse` and `resend` records from before `before`; `event` records with a changeSeq up to `before`. */
  | { readonly kind: PrunedKind; readonly before: number }
  /** Heads of one group below the revision `before`. */
  | { readonly kind: 'groupHead'; readonly groupId: GroupId; readonly before: number }
  /** Whom an own chain was given to. */
  | { readonly kind: 'senderKeyShared'; readonly distributionId: string };

/**
 * One change of a commit.
 *
 * `put` replaces the record with the same key, or adds it; `delete` is harmless when there is none; `prune` removes what has become too old.
 */
export type Change =
  | {
      [Kind in RecordKind]: {
        readonly type: 'put';
        readonly kind: Kind;
        readonly record: Records[Kind];
        /** The only fields in which the record differs from the stored one: a store may leave the others as they are. */
        readonly changed?: readonly (keyof Records[Kind])[];
      };
    }[RecordKind]
  | {
      [Kind in RecordKind]: { readonly type: 'delete'; readonly kind: Kind; readonly key: RecordKeys[Kind] };
    }[RecordKind]
  | ({ readonly type: 'prune' } & Pruning);
