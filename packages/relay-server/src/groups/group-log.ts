import {
  fromBase64Url,
  type GroupAppendRequest,
  type GroupCheckpointBody,
  type GroupInvitationAnswer,
  type GroupInvitationRequest,
  type GroupInviteRequest,
  type GroupLogAnswer,
  type GroupMembersChange,
  toBase64Url,
} from '@sotto/proto';
import { type Directory, unknownUser } from '../accounts/directory.ts';
import { hashOfToken, readToken } from '../auth/token.ts';
import { type Limits, tooOften } from '../limits/limits.ts';
import type { Clock } from '../ports/clock.ts';
import type {
  GroupAppend,
  GroupCaller,
  GroupPage,
  GroupReader,
  GroupRecord,
  GroupSeal,
  GroupStore,
} from '../ports/group-store.ts';
import type { GroupId, UserId } from '../ports/ids.ts';
import { RelayError } from '../relay-error.ts';
import { groupSealBytes, mostMembers, readGroupRecord, readMembersChange } from './group-record.ts';
import type { GroupRoster } from './group-roster.ts';
import { RightOfWay } from './right-of-way.ts';

const userIdBytes = 16;
/** How much of a log goes into one answer. */
const pageSize = { records: 100, bytes: 512 * 1024 };

/** What `GroupLog` works with. */
export interface GroupLogParts {
  readonly groups: GroupStore;
  readonly roster: GroupRoster;
  readonly directory: Directory;
  readonly limits: Limits;
  readonly clock: Clock;
}

/**
 * What accounts ask of groups. The relay orders records and knows members; whether a change was allowed is for its readers to say.
 *
 * Who may not read a group is answered as if there were none: `group-unknown`.
 */
export class GroupLog {
  readonly #parts: GroupLogParts;
  readonly #rightOfWay = new RightOfWay();

  constructor(parts: GroupLogParts) {
    this.#parts = parts;
  }

  /**
   * Appends a record; gives its revision, also when it was there already.
   * @throws {RelayError} `request-malformed`, `group-unknown`, `group-changed`, `group-full`, `group-invite-used`, `user-unknown`, `rate-limited`
   */
  async append(groupId: GroupId, actor: UserId, request: GroupAppendRequest): Promise<number> {
    const { groups, roster, limits, clock } = this.#parts;
    const record = readGroupRecord(groupId, fromBase64Url(request.record));
    const members = readMembersChange(request);
    await limits.takeGroupBytes(actor, record.bytes.length + sizeOf(members));
    const isForOthers = members.removed.some((user) => user !== actor);
    if (isForOthers && (await groups.mayRepair(groupId, { userId: actor, at: clock.now() }))) {
      await limits.takeGroupRepair(actor, groupId);
    }
    const { inviteToken } = request;
    const inviteHash = inviteToken === undefined ? undefined : hashOfInviteToken(inviteToken);
    const at = clock.now();
    const as = await this.#admit(record, { userId: actor, at }, inviteHash);
    const avatar = request.avatar == null ? request.avatar : fromBase64Url(request.avatar);
    const append: GroupAppend = { record, ...members, actor, inviteHash, at, mostMembers, avatar };
    const there = await this.#accountsOf(members.added);
    if (there.length < members.added.length && !(await this.#isRepeated(append))) throw unknownUser();
    try {
      const status = await groups.append(append);
      if (status === 'appended') this.#rightOfWay.passed(groupId, record.revision, !comesByItself(as));
      if (status === 'conflict' && as === 'member') this.#rightOfWay.tooLate(groupId, record.revision, at);
      if (status === 'unknown') throw unknownGroup();
      if (status === 'conflict') throw changedGroup();
      if (status === 'ended') throw unknownUser();
      if (status === 'full') throw fullGroup();
      if (status === 'invite-used') {
        throw new RelayError('group-invite-used', 'This invite has been used by this account: ask for another one.');
      }
      return record.revision;
    } finally {
      roster.forget(groupId);
    }
  }

  /**
   * Changes the table of members, passing over those who have no account; gives the members as they are then.
   * @throws {RelayError} `request-malformed`, `group-unknown`, `group-full`, `rate-limited`
   */
  async repair(groupId: GroupId, actor: UserId, request: GroupMembersChange): Promise<readonly UserId[]> {
    const { groups, roster, limits, clock } = this.#parts;
    const { added, removed } = readMembersChange(request);
    if (!(await groups.mayRepair(groupId, { userId: actor, at: clock.now() }))) throw unknownGroup();
    const there = await this.#accountsOf(added);
    const members = await roster.members(groupId);
    // Who asks for what is so already is not counted: clients do, for members whose accounts have ended.
    if (there.every((user) => members.has(user)) && !removed.some((user) => members.has(user))) {
      return this.#membersOf(groupId);
    }
    await limits.takeGroupRepair(actor, groupId);
    await limits.takeGroupBytes(actor, sizeOf({ added: there, removed }));
    try {
      const status = await groups.repair({ groupId, actor, added: there, removed, at: clock.now(), mostMembers });
      if (status === 'unknown') throw unknownGroup();
      if (status === 'full') throw fullGroup();
    } finally {
      roster.forget(groupId);
    }
    return this.#membersOf(groupId);
  }

  /** @throws {RelayError} `group-unknown` */
  async records(groupId: GroupId, userId: UserId, after: number): Promise<GroupLogAnswer> {
    const reader = { userId, at: this.#parts.clock.now() };
    const page = await this.#parts.groups.records(groupId, reader, after, pageSize);
    if (page === undefined) throw unknownGroup();
    return answerOf(page);
  }

  /** @throws {RelayError} `group-unknown`, also when there is no checkpoint for the reader */
  async checkpoint(groupId: GroupId, userId: UserId): Promise<GroupCheckpointBody> {
    const { groups, clock } = this.#parts;
    const checkpoint = await groups.checkpoint(groupId, { userId, at: clock.now() });
    if (checkpoint === undefined) throw unknownGroup();
    return { revision: checkpoint.revision, checkpoint: toBase64Url(checkpoint.bytes) };
  }

  /** @throws {RelayError} `group-unknown`, `group-changed`, `request-malformed`, `rate-limited` */
  async putCheckpoint(groupId: GroupId, member: UserId, { revision, checkpoint }: GroupCheckpointBody): Promise<void> {
    const seal = readSeal(revision, checkpoint);
    await this.#parts.limits.takeGroupBytes(member, seal.bytes.length);
    check(await this.#parts.groups.putCheckpoint(groupId, member, seal));
  }

  /** @throws {RelayError} `group-unknown`, `group-changed`, `request-malformed`, `rate-limited` */
  async openInvite(groupId: GroupId, member: UserId, request: GroupInviteRequest): Promise<void> {
    const tokenHash = fromBase64Url(request.tokenHash);
    const box = readSeal(request.revision, request.box);
    await this.#parts.limits.takeGroupBytes(member, box.bytes.length);
    check(await this.#parts.groups.putInvite(groupId, member, { tokenHash, box }));
  }

  /** @throws {RelayError} `group-unknown` */
  async closeInvite(groupId: GroupId, member: UserId): Promise<void> {
    check(await this.#parts.groups.putInvite(groupId, member, undefined));
  }

  /** @throws {RelayError} `group-unknown`, `request-malformed` */
  async invitation(groupId: GroupId, request: GroupInvitationRequest): Promise<GroupInvitationAnswer> {
    const { inviteToken, after = 0 } = request;
    const invited = await this.#parts.groups.invited(groupId, hashOfInviteToken(inviteToken), after, pageSize);
    if (invited === undefined) throw unknownGroup();
    const { box, page } = invited;
    return { box: toBase64Url(box.bytes), boxRevision: box.revision, ...answerOf(page) };
  }

  /** @throws {RelayError} `group-unknown` */
  async members(groupId: GroupId, userId: UserId): Promise<readonly UserId[]> {
    const { groups, clock } = this.#parts;
    if (!(await groups.mayRepair(groupId, { userId, at: clock.now() }))) throw unknownGroup();
    return this.#membersOf(groupId);
  }

  /**
   * As what somebody appends. Who came by itself, or wants to, waits where members go first, and has its own limits.
   * @throws {RelayError} `rate-limited`
   */
  async #admit(record: GroupRecord, reader: GroupReader, inviteHash: Uint8Array | undefined): Promise<GroupCaller> {
    const { groups, limits } = this.#parts;
    const { groupId } = record;
    const { as, revision } = await groups.caller(groupId, reader, inviteHash);
    // What is too late changes nothing, and costs nothing here.
    if (!comesByItself(as) || record.revision !== revision + 1) return as;
    const wait = this.#rightOfWay.waitOf(groupId, reader.at);
    if (wait > 0) throw tooOften(wait);
    await limits.takeGuestRecord(reader.userId, groupId, as === 'guest');
    return as;
  }

  async #membersOf(groupId: GroupId): Promise<readonly UserId[]> {
    return [...(await this.#parts.roster.members(groupId))].sort();
  }

  /** Those of them who have an account. */
  async #accountsOf(users: readonly UserId[]): Promise<readonly UserId[]> {
    const there: UserId[] = [];
    for (const user of users) if ((await this.#parts.directory.deviceList(user)) !== undefined) there.push(user);
    return there;
  }

  /** A record that stands stays a success, whoever of those that it added has ended since. */
  async #isRepeated({ record, actor, at }: GroupAppend): Promise<boolean> {
    const { groupId, revision, bytes } = record;
    const reader = { userId: actor, at };
    const page = await this.#parts.groups.records(groupId, reader, revision - 1, { records: 1, bytes: 1 });
    const [there] = page?.records ?? [];
    return page?.firstRevision === revision && there !== undefined && Buffer.compare(there, bytes) === 0;
  }
}

/** Whether nobody of the group has let them in. */
function comesByItself(as: GroupCaller): boolean {
  return as === 'by-itself' || as === 'guest';
}

/** No group that the asker may know of. */
export function unknownGroup(): RelayError {
  return new RelayError('group-unknown', 'There is no such group, or you are no member of it (any more).');
}

function changedGroup(): RelayError {
  return new RelayError('group-changed', 'The log has another revision: fetch it, and build on what is there.');
}

function fullGroup(): RelayError {
  return new RelayError('group-full', `A group has at most ${mostMembers} members: add fewer.`);
}

function sizeOf({ added, removed }: GroupMembersChange): number {
  return (added.length + removed.length) * userIdBytes;
}

function check(outcome: 'kept' | 'conflict' | 'unknown'): void {
  if (outcome === 'unknown') throw unknownGroup();
  if (outcome === 'conflict') throw changedGroup();
}

function readSeal(revision: number, text: string): GroupSeal {
  const bytes = fromBase64Url(text);
  if (bytes.length < 1 || bytes.length > groupSealBytes) {
    throw new RelayError('request-malformed', `What is sealed has 1 to ${groupSealBytes} bytes.`);
  }
  return { revision, bytes };
}

function hashOfInviteToken(text: string): Uint8Array {
  const token = readToken(text);
  if (token === undefined) throw new RelayError('request-malformed', 'The token of an invite has 32 bytes.');
  return hashOfToken(token);
}

function answerOf({ records, firstRevision, lastRevision }: GroupPage): GroupLogAnswer {
  return { records: records.map(toBase64Url), firstRevision, lastRevision };
}
