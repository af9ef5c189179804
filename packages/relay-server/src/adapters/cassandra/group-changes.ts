import { randomUUID } from 'node:crypto';
import type { GroupInvite, GroupRecord, GroupSeal } from '../../ports/group-store.ts';
import type { GroupId, UserId } from '../../ports/ids.ts';
import { RelayError } from '../../relay-error.ts';
import type { GroupStanding } from '../group-verdict.ts';
import type { CassandraDatabase, CqlStatement, CqlValue } from './cassandra-database.ts';
import { unavailable } from './cassandra-failure.ts';
import type { GroupAvatarEnds } from './group-avatar-ends.ts';
import { avatarsToBytes, type KeptAvatar, newlyEnding } from './group-avatar-list.ts';
import type { FullGroupHead, GroupLogHead, GroupRows } from './group-rows.ts';
import { Turns } from './turns.ts';

/** One part of a change: columns of the group itself, or the row of one user. */
export type GroupPart =
  | { readonly set: Readonly<Record<string, CqlValue>> }
  | { readonly put: GroupStanding; readonly of: UserId; readonly isNew: boolean }
  | { readonly remove: UserId };

/** What a group is to become, by what it was found to be. */
export interface GroupJudgement<Result> {
  readonly result: Result;
  /** `undefined`: nothing changes. Empty: only its version does, which holds off whoever has read it before. */
  readonly parts?: readonly GroupPart[];
  /** The avatars from now on, if they change. */
  readonly avatars?: readonly KeptAvatar[];
  /** Afterwards nothing is kept. */
  readonly isEmptied?: boolean;
}

/** How a group is changed. */
export interface GroupChange<Result> {
  /** Whether its last record has to be known. */
  readonly needsRecord?: boolean;
  /** `again`: what was read is out of date. */
  readonly judge: (head: FullGroupHead) => Promise<GroupJudgement<Result> | 'again'>;
  /** Whether it tells by what it finds that it was made before: then it is judged once more when nobody knows. */
  readonly knowsItself?: boolean;
}

/** How often a change is judged anew because another node was faster. */
const tries = 32;
/** A version that holds others off from an id under which nothing is kept goes after this time: a backstop, long after every request that it is for. */
const fenceSeconds = 86_400;

/**
 * Changes groups: reads, judges, and writes all of it in one conditional batch in the group's partition, if the version is still the one that was read.
 *
 * A crash before leaves the group as it was, a crash after it as it is to be. What has to be found later by other ways than by the group (where a user stands, which avatars end) is written before, and proved by the group when it is read.
 */
export class GroupChanges {
  readonly #database: CassandraDatabase;
  readonly #rows: GroupRows;
  readonly #ends: GroupAvatarEnds;
  readonly #turns = new Turns();

  constructor(database: CassandraDatabase, rows: GroupRows, ends: GroupAvatarEnds) {
    this.#database = database;
    this.#rows = rows;
    this.#ends = ends;
  }

  /** @throws {RelayError} `store-unavailable` */
  make<Result>(groupId: GroupId, change: GroupChange<Result>): Promise<Result> {
    return this.#turns.take([Buffer.from(groupId).toString('hex')], () => this.#make(groupId, change));
  }

  async #make<Result>(groupId: GroupId, change: GroupChange<Result>): Promise<Result> {
    for (let each = 0; each < tries; each++) {
      const head = await this.#rows.head(groupId, change.needsRecord === true ? 'record' : 'small');
      const judgement = await change.judge(head);
      if (judgement === 'again') continue;
      const { result, parts, avatars } = judgement;
      if (parts === undefined) return result;
      if (avatars !== undefined) await this.#ends.expect(groupId, newlyEnding(head.avatars, avatars));
      if (await this.#write(groupId, head, judgement, change.knowsItself === true)) return result;
    }
    throw new RelayError('store-unavailable', 'others change this group all the time: try again', { retryable: true });
  }

  /** False: another one was faster. */
  async #write(
    groupId: GroupId,
    head: FullGroupHead,
    { parts = [], avatars, isEmptied }: GroupJudgement<unknown>,
    knowsItself: boolean,
  ): Promise<boolean> {
    const version = isEmptied === true ? undefined : randomUUID();
    const isNothing = head.log === undefined && head.avatars.length === 0 && head.endedLogs.size === 0;
    const isFence = isNothing && parts.length === 0 && avatars === undefined;
    const all = avatars === undefined ? parts : [...parts, { set: { avatars: avatarsToBytes(avatars) } }];
    const outcome = await this.#database.conditionalTogether([
      {
        cql: `UPDATE user_group ${isFence ? `USING TTL ${fenceSeconds} ` : ''}SET version = ? WHERE group_id = ? IF version = ?`,
        values: [version, groupId, head.version],
      },
      ...all.map((part) => statementOf(groupId, part)),
    ]);
    if (outcome.status !== 'unknown') return outcome.status === 'applied';
    const settled = await this.#rows.settledVersion(groupId);
    if (settled === version) return true;
    if (settled !== head.version && knowsItself) return false;
    throw unavailable(outcome.cause);
  }
}

/** The log once this record is its last. */
export function advanced(
  { revision, keyEpoch, keyCommitment, bytes }: GroupRecord,
  { log, at }: { readonly log: GroupLogHead | undefined; readonly at: number },
): GroupPart {
  const begun = log === undefined ? { log_id: randomUUID(), created_at: at } : {};
  const epoch = String(keyEpoch);
  return {
    set: { ...begun, revision, record: bytes, key_epoch: epoch, key_commitment: keyCommitment, updated_at: at },
  };
}

/** How many rows there are, and how many of them are of members. */
export function counted(memberCount: number, standingCount: number): GroupPart {
  return { set: { member_count: memberCount, standing_count: standingCount } };
}

/** The checkpoint that is kept from now on. */
export function withCheckpoint({ revision, bytes }: GroupSeal): GroupPart {
  return { set: { checkpoint_revision: revision, checkpoint: bytes } };
}

/** The invite that is open from now on. */
export function withInvite(invite: GroupInvite | undefined): GroupPart {
  const { tokenHash, box } = invite ?? {};
  return { set: { invite_hash: tokenHash, invite_revision: box?.revision, invite_box: box?.bytes } };
}

/** No group any more, but for its avatars, and its log that is to be deleted. */
export function ended({ logId, revision }: GroupLogHead, endedLogs: ReadonlyMap<string, number>): GroupPart[] {
  const gone = ['log_id', 'revision', 'record', 'key_epoch', 'key_commitment', 'created_at', 'updated_at'];
  return [
    { set: Object.fromEntries(gone.map((column) => [column, undefined])) },
    { set: { member_count: undefined, standing_count: undefined } },
    { set: { checkpoint_revision: undefined, checkpoint: undefined } },
    withInvite(undefined),
    withEndedLogs(new Map([...endedLogs, [logId, revision]])),
  ];
}

/** The logs that are still to be deleted. */
export function withEndedLogs(logs: ReadonlyMap<string, number>): GroupPart {
  return { set: { ended_logs: logs.size === 0 ? undefined : logs } };
}

function statementOf(groupId: GroupId, part: GroupPart): CqlStatement {
  if ('set' in part) {
    const set = Object.keys(part.set).map((column) => `${column} = ?`);
    const cql = `UPDATE user_group SET ${set.join(', ')} WHERE group_id = ?`;
    return { cql, values: [...Object.values(part.set), groupId] };
  }
  if ('remove' in part) {
    return { cql: 'DELETE FROM user_group WHERE group_id = ? AND user_id = ?', values: [groupId, part.remove] };
  }
  const { joinedAt, leftAt, removedAt, readsAfter, usedInvite } = part.put;
  // Of a new row only what there is: each null would be a tombstone.
  const all = { joined_at: joinedAt, left_at: leftAt, removed_at: removedAt, used_invite: usedInvite };
  const some = Object.entries(all).filter(([, value]) => !part.isNew || value !== undefined);
  const columns = ['group_id', 'user_id', 'reads_after', ...some.map(([column]) => column)];
  const cql = `INSERT INTO user_group (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
  return { cql, values: [groupId, part.of, readsAfter, ...some.map(([, value]) => value)] };
}
