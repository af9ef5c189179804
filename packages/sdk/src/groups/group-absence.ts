import { hasEnded } from '../accounts/standing.ts';
import type { Executor } from '../crypto/executor.ts';
import type { Clock } from '../ports/clock.ts';
import type { GroupRecord } from '../ports/group-records.ts';
import type { GroupId, UserId } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { Store } from '../ports/store.ts';
import { SottoError } from '../sotto-error.ts';
import { requestGroupMembers } from '../transport/group-calls.ts';
import type { AuthorizedClient } from '../transport/http-client.ts';
import type { GroupLanes } from './group-lanes.ts';
import { keepAbsence, locksOfGroup } from './keep-group.ts';

/** What `GroupAbsence` works with. */
export interface AbsenceParts {
  readonly executor: Executor;
  readonly store: Store;
  readonly http: AuthorizedClient;
  /** @throws {SottoError} `not-registered`, `session-ended` */
  readonly self: () => UserId;
  readonly clock: Clock;
  readonly lanes: GroupLanes;
  readonly logger: Logger;
  readonly ended: AbortSignal;
  /** This user is taken as removed: what waited in the group is looked at again. */
  readonly onMoved: (groupId: GroupId) => void;
}

/**
 * Sees whether this user is still a member of a group of which it lacks the state key, and nobody gives it: the record that removes somebody may stand under a key that they are not to have.
 *
 * Nothing proves that: the relay's table says it, and a member may have lied to it. So it is asked only when members were, and did not answer; a key or a welcome that comes later brings the user back.
 */
export class GroupAbsence {
  private readonly parts: AbsenceParts;

  constructor(parts: AbsenceParts) {
    this.parts = parts;
  }

  /** Takes this user as removed, if the relay's table does not name them; whether it was so. When the relay can't be asked, nothing is said. */
  look(groupId: GroupId): Promise<boolean> {
    return this.parts.lanes.run(groupId, () => this.lookNow(groupId));
  }

  /**
   * Whether the relay does not count this user among the members of a group that waits for a key: what they would change is refused as by one who was removed, which is most likely. Nothing is kept of it; when the relay can't be asked, it is not so.
   */
  async isLikely(groupId: GroupId): Promise<boolean> {
    const group = await this.parts.store.get('group', { id: groupId });
    return group?.standing === 'member' && group.waitingFor !== undefined && this.isLeftOut(group);
  }

  private async lookNow(groupId: GroupId): Promise<boolean> {
    const { executor, store, clock, self, logger, onMoved } = this.parts;
    const seen = await store.get('group', { id: groupId });
    const waited = seen?.waitingFor;
    if (seen?.standing !== 'member' || waited === undefined || !(await this.isLeftOut(seen))) return false;
    const taken = await executor.run(locksOfGroup(groupId), async (overlay) => {
      const group = await overlay.get('group', { id: groupId });
      if (group?.standing !== 'member' || group.waitingFor === undefined || (await hasEnded(overlay))) return false;
      // It came meanwhile: the log is read on.
      if ((await overlay.get('groupKey', { groupId, ...keyOf(group.waitingFor) })) !== undefined) return false;
      await keepAbsence(overlay, group, { self: self(), now: clock.now() });
      return true;
    });
    if (!taken) return false;
    logger.info('group.taken-as-removed');
    onMoved(groupId);
    return true;
  }

  /** Whether the relay says that this user is no member; false when it can't be asked. */
  private async isLeftOut({ wireId }: GroupRecord): Promise<boolean> {
    const { http, self, logger, ended } = this.parts;
    try {
      return !(await requestGroupMembers(http, wireId, { signal: ended })).includes(self());
    } catch (error) {
      if (ended.aborted) return false;
      if (!(error instanceof SottoError) || error.code.startsWith('store-')) throw error;
      if (error.code === 'group-unknown') return true;
      logger.info('group.table-not-read', { code: error.code });
      return false;
    }
  }
}

function keyOf({ keyEpoch, keyCommitment }: NonNullable<GroupRecord['waitingFor']>) {
  return { keyEpoch, keyCommitment };
}
