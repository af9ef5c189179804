import type { ChatRecord } from './chat-record.ts';
import type {
  GroupIntentRecord,
  GroupKeyRecord,
  GroupMemberRecord,
  GroupRecord,
  SenderKeyRecord,
  SenderKeySharedRecord,
} from './group-records.ts';
import type { DeviceId, GroupId, UserId } from './ids.ts';
import type { HeldRecord } from './inbox-records.ts';

/** Reads over the records of groups; all of them in the order of an index. */
export interface GroupQueries {
  /** By id, those after `after`. */
  groups(after: GroupId | undefined, limit: number): Promise<readonly GroupRecord[]>;
  /** Chats of groups that are not accepted, latest activity first. */
  groupRequests(limit: number): Promise<readonly ChatRecord[]>;
  /** Groups whose log is to be fetched (`knownRevision` above `revision`), or that wait for a key; in any order. */
  groupsBehind(): Promise<readonly GroupRecord[]>;
  /** Everybody who is or was a member, by user id. */
  groupMembers(groupId: GroupId): Promise<readonly GroupMemberRecord[]>;
  /** Where this user is or was a member, by group id. */
  groupsWith(userId: UserId): Promise<readonly GroupMemberRecord[]>;
  /** By epoch, then commitment. */
  groupKeys(groupId: GroupId): Promise<readonly GroupKeyRecord[]>;
  /** All own changes on their way, by group id. */
  groupIntents(): Promise<readonly GroupIntentRecord[]>;
  /** The chains of one device in one group, oldest first (`createdAt`, `distributionId`): what a new one makes superfluous. */
  senderKeys(groupId: GroupId, userId: UserId, deviceId: DeviceId): Promise<readonly SenderKeyRecord[]>;
  /** Who was given an own chain, by user id, then device id. */
  senderKeyShared(distributionId: string): Promise<readonly SenderKeySharedRecord[]>;
  /** What is held of one group in the order in which it came, by `arrival`; those after `after`. */
  heldOfGroup(groupId: GroupId, limit: number, after?: Pick<HeldRecord, 'arrival'>): Promise<readonly HeldRecord[]>;
}
