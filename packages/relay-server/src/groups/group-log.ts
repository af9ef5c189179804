import {
  fromBase64Url,
  type GroupAppendRequest,
  type GroupCheckpointBody,
  type GroupInvitationAnswer,
  type GroupInvitationRequest,
  type GroupInviteRequest,
  type GroupLogAnswer,
  toBase64Url,
} from '@sotto/proto';
import { type Directory, unknownUser } from '../accounts/directory.ts';
import { hashOfToken, readToken } from '../auth/token.ts';
import type { Limits } from '../limits/limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { GroupAppend, GroupPage, GroupSeal, GroupStore } from '../ports/group-store.ts';
import type { GroupId, UserId } from '../ports/ids.ts';
import { RelayError } from '../relay-error.ts';
import { groupSealBytes, mostMembers, readGroupRecord } from './group-record.ts';
import type { GroupRoster } from './group-roster.ts';

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
    await limits.takeGroupRecord(actor, record.bytes.length);
    const { inviteToken } = request;
    const inviteHash = inviteToken === undefined ? undefined : hashOfInviteToken(inviteToken);
    const append: GroupAppend = { record, actor, inviteHash, at: clock.now(), mostMembers };
    if (!(await this.#areThere(record.added)) && !(await this.#isRepeated(append))) throw unknownUser();
    try {
      const status = await groups.append(append);
      if (status === 'unknown') throw unknownGroup();
      if (status === 'conflict') throw changedGroup();
      if (status === 'ended') throw unknownUser();
      if (status === 'full') {
        throw new RelayError('group-full', `A group has at most ${mostMembers} members: add fewer.`);
      }
      if (status === 'invite-used') {
        throw new RelayError('group-invite-used', 'This invite has been used by this account: ask for another one.');
      }
      return record.revision;
    } finally {
      roster.forget(groupId);
    }
  }

  /** @throws {RelayError} `group-unknown` */
  async records(groupId: GroupId, reader: UserId, after: number): Promise<GroupLogAnswer> {
    const page = await this.#parts.groups.records(groupId, reader, after, pageSize);
    if (page === undefined) throw unknownGroup();
    return answerOf(page);
  }

  /** @throws {RelayError} `group-unknown`, also when there is no checkpoint for the reader */
  async checkpoint(groupId: GroupId, reader: UserId): Promise<GroupCheckpointBody> {
    const checkpoint = await this.#parts.groups.checkpoint(groupId, reader);
    if (checkpoint === undefined) throw unknownGroup();
    return { revision: checkpoint.revision, checkpoint: toBase64Url(checkpoint.bytes) };
  }

  /** @throws {RelayError} `group-unknown`, `group-changed`, `request-malformed` */
  async putCheckpoint(groupId: GroupId, member: UserId, { revision, checkpoint }: GroupCheckpointBody): Promise<void> {
    check(await this.#parts.groups.putCheckpoint(groupId, member, readSeal(revision, checkpoint)));
  }

  /** @throws {RelayError} `group-unknown`, `group-changed`, `request-malformed` */
  async openInvite(groupId: GroupId, member: UserId, request: GroupInviteRequest): Promise<void> {
    const tokenHash = fromBase64Url(request.tokenHash);
    check(
      await this.#parts.groups.putInvite(groupId, member, { tokenHash, box: readSeal(request.revision, request.box) }),
    );
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
  async members(groupId: GroupId, member: UserId): Promise<readonly UserId[]> {
    const members = await this.#parts.roster.members(groupId);
    if (!members.has(member)) throw unknownGroup();
    return [...members].sort();
  }

  async #areThere(users: readonly UserId[]): Promise<boolean> {
    for (const user of users) if ((await this.#parts.directory.deviceList(user)) === undefined) return false;
    return true;
  }

  /** A record that stands stays a success, whoever of those that it added has ended since. */
  async #isRepeated({ record, actor }: GroupAppend): Promise<boolean> {
    const { groupId, revision, bytes } = record;
    const page = await this.#parts.groups.records(groupId, actor, revision - 1, { records: 1, bytes: 1 });
    const [there] = page?.records ?? [];
    return page?.firstRevision === revision && there !== undefined && Buffer.compare(there, bytes) === 0;
  }
}

/** No group that the asker may know of. */
export function unknownGroup(): RelayError {
  return new RelayError('group-unknown', 'There is no such group, or you are no member of it (any more).');
}

function changedGroup(): RelayError {
  return new RelayError('group-changed', 'The log has another revision: fetch it, and build on what is there.');
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
