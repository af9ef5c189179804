import type { GroupId, UserId } from '../../ports/ids.ts';
import { isMember } from '../group-verdict.ts';
import { allEnded, named } from './group-avatar-list.ts';
import { counted, ended, type GroupChanges, type GroupJudgement, withEndedLogs } from './group-changes.ts';
import type { GroupLogRows } from './group-log-rows.ts';
import type { FullGroupHead, GroupRows } from './group-rows.ts';
import type { GroupsByUserRows } from './groups-by-user-rows.ts';

/** How many groups are looked up at once. */
const groupsAtOnce = 100;

/**
 * What is to be done in groups when an account has ended.
 *
 * An account that has ended is a member until this has been done, and for nobody longer: its own appends are refused, and nobody adds it, from the moment on at which its row says so.
 */
export class GroupMemberships {
  readonly #rows: GroupRows;
  readonly #changes: GroupChanges;
  readonly #log: GroupLogRows;
  readonly #index: GroupsByUserRows;

  constructor(parts: {
    readonly rows: GroupRows;
    readonly changes: GroupChanges;
    readonly log: GroupLogRows;
    readonly index: GroupsByUserRows;
  }) {
    this.#rows = parts.rows;
    this.#changes = parts.changes;
    this.#log = parts.log;
    this.#index = parts.index;
  }

  /**
   * Takes somebody out of all groups; those that nobody is left of are gone, with their logs, and their avatars end. `at` is the end of the account.
   *
   * To be called once the account's row says that it has ended (at LOCAL_QUORUM or by a condition), and again until it has resolved once: it is idempotent, may run on several nodes at once, and what it leaves when it is cut off the next call finishes. The list of the user's groups goes last.
   * An append under way that adds the user has either noted it there before, and then its group's version changes under it here; or notes it later, and then looks at the account once more before it writes.
   */
  async forgetUser(userId: UserId, at: number): Promise<void> {
    let after: Uint8Array = new Uint8Array();
    for (;;) {
      const groupIds = await this.#index.of(userId, after, groupsAtOnce);
      for (const groupId of groupIds) await this.#leave(groupId, userId, at);
      const last = groupIds.at(-1);
      if (last === undefined || groupIds.length < groupsAtOnce) break;
      after = last;
    }
    await this.#index.forget(userId);
  }

  async #leave(groupId: GroupId, userId: UserId, at: number): Promise<void> {
    const endedLogs = await this.#changes.make(groupId, {
      knowsItself: true,
      judge: (head) => this.#left(head, groupId, userId, at),
    });
    if (endedLogs.size === 0) return;
    for (const [logId, revision] of endedLogs) await this.#log.remove(logId, revision);
    await this.#changes.make(groupId, {
      knowsItself: true,
      judge: async (head) => {
        const left = new Map([...head.endedLogs].filter(([logId]) => !endedLogs.has(logId)));
        if (left.size === head.endedLogs.size) return { result: undefined };
        const isEmptied = head.log === undefined && head.avatars.length === 0 && left.size === 0;
        return { result: undefined, parts: [withEndedLogs(left)], isEmptied };
      },
    });
  }

  /** The group without the user. Where it has no row the version changes all the same. */
  async #left(
    head: FullGroupHead,
    groupId: GroupId,
    userId: UserId,
    at: number,
  ): Promise<GroupJudgement<ReadonlyMap<string, number>>> {
    const { log, avatars, endedLogs } = head;
    const standing = log && (await this.#rows.standings(groupId, [userId])).get(userId);
    if (log === undefined || standing === undefined) return { result: endedLogs, parts: [] };
    const memberCount = log.memberCount - Number(isMember(standing));
    const remove = { remove: userId };
    if (log.standingCount > 1) {
      return {
        result: endedLogs,
        parts: [remove, counted(memberCount, log.standingCount - 1)],
        ...(memberCount === 0 && { avatars: named(avatars, null, at) }),
      };
    }
    return {
      result: new Map([...endedLogs, [log.logId, log.revision]]),
      parts: [remove, ...ended(log, endedLogs)],
      avatars: allEnded(avatars, at),
    };
  }
}
