import type { GroupId, UserId } from './ids.ts';

/** What the relay reads of one record of a group's log; the rest of it is sealed. */
export interface GroupRecord {
  readonly groupId: GroupId;
  /** Counts from 1, without a gap. */
  readonly revision: number;
  /** Which state key it is under. */
  readonly keyEpoch: number;
  readonly keyCommitment: Uint8Array;
  /** The encoded GroupRecord: kept and given back byte for byte, since members hash it. */
  readonly bytes: Uint8Array;
}

/** A change of the table of members. */
export interface GroupMembersChange {
  /** Whom it makes members, each once. Who is one already stays one. */
  readonly added: readonly UserId[];
  /** Whom it makes members no more, each once, none of those added. Who is none is passed over. */
  readonly removed: readonly UserId[];
}

/** A record, with who wants to append it, and how the table of members changes with it. */
export interface GroupAppend extends GroupMembersChange {
  readonly record: GroupRecord;
  readonly actor: UserId;
  /** SHA-256 of an invite's token, for an actor that is no member. */
  readonly inviteHash: Uint8Array | undefined;
  /** By the relay's clock. */
  readonly at: number;
  /** How many members the group may have afterwards. */
  readonly mostMembers: number;
  /** Where the group's avatar stands from now on (32 bytes), null: nowhere; undefined: as before. A location at which nothing is stored makes the one before current no more. Of a guest it counts for nothing. */
  readonly avatar: Uint8Array | null | undefined;
}

/** A change of the table of members without a record, with who wants it. */
export interface GroupRepair extends GroupMembersChange {
  readonly groupId: GroupId;
  readonly actor: UserId;
  /** By the relay's clock. */
  readonly at: number;
  /** How many members the group may have afterwards. */
  readonly mostMembers: number;
}

/** Who asks for something of a group. */
export interface GroupReader {
  readonly userId: UserId;
  /** By the relay's clock. */
  readonly at: number;
}

/**
 * Who wants to append a record. `member`: whom others let in, or who made the group. `by-itself`: a member that came by an invite, or has let itself in again after a removal in the last seven days. `guest`: no member, with the token of the open invite. `nobody`: all others.
 */
export type GroupCaller = 'member' | 'by-itself' | 'guest' | 'nobody';

/**
 * `appended`: it is the log's last record now, and the members are what it says. `repeated`: this very record stands at its revision already, whoever asks.
 * `conflict`: the log goes on at another revision, or the record comes by an invite and is under another state key than the last one. `unknown`: there is no such group, or the actor is no member of it and shows no invite that is open; a group's first append has to add its actor, and an invite's nobody but its actor; who was removed by another one in the last seven days, and has let itself in again, brings no other state key.
 * `invite-used`: the actor has appended a record by this invite before. `full`: it would have too many members. `ended`: an account that it adds, or the actor's, has ended. But for the first, nothing was stored.
 */
export type GroupAppendStatus = 'appended' | 'repeated' | 'conflict' | 'unknown' | 'invite-used' | 'full' | 'ended';

/** `repaired`: the members are what it says; of those whom it adds those who have ended were passed over. `unknown`: the actor may not. `full`: it would have too many members. But for the first, nothing was stored. */
export type GroupRepairStatus = 'repaired' | 'unknown' | 'full';

/** A piece of a group's log. */
export interface GroupPage {
  /** Encoded records, revision after revision. */
  readonly records: readonly Uint8Array[];
  /** The revision of the first of them; of the next one to come when there are none. */
  readonly firstRevision: number;
  /** The last revision that whoever asks may read. */
  readonly lastRevision: number;
}

/** How much of a log is read at once. At least one record is given, however large. */
export interface GroupPageSize {
  readonly records: number;
  readonly bytes: number;
}

/** A sealed picture of a group at a revision. */
export interface GroupSeal {
  readonly revision: number;
  readonly bytes: Uint8Array;
}

/** An open invite. */
export interface GroupInvite {
  /** SHA-256 of its token. */
  readonly tokenHash: Uint8Array;
  /** Sealed for whoever has the link. */
  readonly box: GroupSeal;
}

/** Who is a member, with the version of the table of members: under one version stand the same members, always. */
export interface GroupMembersNow {
  readonly version: string;
  /** In no order; nobody when there is no such group. */
  readonly members: readonly UserId[];
}

/** A group as its member finds it in the list of its groups. */
export interface GroupSummary {
  readonly groupId: GroupId;
  readonly revision: number;
}

/**
 * Groups: an append-only log of sealed records each, in which the relay only orders, and a table of members, by whom the log is read and who may send to the group. The log names nobody.
 *
 * `append` is compare and set on the revision; log and table change in one step, which is durable when it resolves. Of two records at one revision one wins.
 * A member reads from the last checkpoint before its joining on (from the first record when there was none), and, after it was removed, up to the record that removed it. Who comes back keeps its first beginning, so that its log has no gap.
 * Whoever appends is believed about who comes and goes. So who was removed by another one still reads on for seven days (`mendsForMs` of group-verdict.ts), and may repair the table as members may: they see by the log whether the removal was right.
 * Whoever lets itself in again by that has no more than those seven days, however often it is removed.
 * When an account ends it is a member of nothing any more; the logs stay, and go with the last account that was a member ever. An append that is under way meanwhile comes before that or after it; in neither case is the account a member once its end has resolved. Bytes that were passed in are not changed by the caller afterwards.
 */
export interface GroupStore {
  append(append: GroupAppend): Promise<GroupAppendStatus>;
  /** Changes the table of members alone. Who was never a member before reads the whole log: it may have been let in long ago. */
  repair(repair: GroupRepair): Promise<GroupRepairStatus>;
  /** As what somebody comes to a group, and the last revision of its log; 0 when there is no such group. */
  caller(
    groupId: GroupId,
    reader: GroupReader,
    inviteHash: Uint8Array | undefined,
  ): Promise<{ readonly as: GroupCaller; readonly revision: number }>;
  /** Whether somebody may repair the table, and so read it: a member, or one that was removed in the last seven days. */
  mayRepair(groupId: GroupId, reader: GroupReader): Promise<boolean>;
  /** The records after a revision that a present or past member may read, at most one page; `undefined` when it may read nothing of the group. */
  records(groupId: GroupId, reader: GroupReader, after: number, size: GroupPageSize): Promise<GroupPage | undefined>;
  /** Keeps a member's checkpoint if no newer one is kept: `kept` also when there is. `conflict`: the log has not come to that revision. */
  putCheckpoint(groupId: GroupId, member: UserId, checkpoint: GroupSeal): Promise<'kept' | 'conflict' | 'unknown'>;
  /** The newest checkpoint; `undefined` when there is none, or none that a present or past member may read. */
  checkpoint(groupId: GroupId, reader: GroupReader): Promise<GroupSeal | undefined>;
  /** Opens a member's invite in place of the one before, or closes it. `conflict`: the log has not come to that revision. */
  putInvite(
    groupId: GroupId,
    member: UserId,
    invite: GroupInvite | undefined,
  ): Promise<'kept' | 'conflict' | 'unknown'>;
  /** What an open invite's token shows: its box, and the records after `after`, but none from before the box. `undefined` when no such invite is open. */
  invited(
    groupId: GroupId,
    tokenHash: Uint8Array,
    after: number,
    size: GroupPageSize,
  ): Promise<{ readonly box: GroupSeal; readonly page: GroupPage } | undefined>;
  /** Who is a member now, in no order; nobody when there is no such group. */
  members(groupId: GroupId): Promise<readonly UserId[]>;
  /**
   * `unchanged` when the members are those that stand under `version`, which was given before; who is one now otherwise. One small read when they are.
   *
   * A change of members that ended before the call, on any node, is never `unchanged`, and is in what is given. Other changes of the group may give another version for the same members.
   */
  membersSince(groupId: GroupId, version: string | undefined): Promise<GroupMembersNow | 'unchanged'>;
  /** The groups of which somebody is a member, in the order of their ids, at most `limit` of those after `after`. */
  groupsOf(userId: UserId, after: GroupId | undefined, limit: number): Promise<readonly GroupSummary[]>;
}
