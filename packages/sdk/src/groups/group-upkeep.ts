import { toBase64Url, GroupCheckpoint as WireCheckpoint } from '@sotto/proto';
import { chatOfGroup } from '../chats/chat-state.ts';
import type { Executor } from '../crypto/executor.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import type { Clock } from '../ports/clock.ts';
import type { GroupRecord } from '../ports/group-records.ts';
import type { GroupId, UserId } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { Store } from '../ports/store.ts';
import { SottoError } from '../sotto-error.ts';
import {
  removeGroupInvite,
  repairGroupMembers,
  requestGroupCheckpoint,
  requestGroupLog,
  requestGroupMembers,
  storeGroupCheckpoint,
  storeGroupInvite,
} from '../transport/group-calls.ts';
import type { AuthorizedClient } from '../transport/http-client.ts';
import { requestDeviceList } from '../transport/user-calls.ts';
import { reading } from './canonical.ts';
import { isCheckpointDue, sealCheckpoint } from './checkpoint.ts';
import { groupLock } from './group-lock.ts';
import { type GroupState, memberOf } from './group-state.ts';
import { sealInviteBox } from './invite-box.ts';
import { inviteToken } from './invite-link.ts';
import type { KnownGroup } from './known-group.ts';
import { hasRole } from './operation-rule.ts';
import { keyOfState, keySource, ownActor, positionOf } from './stored-group.ts';

/** In groups of more members than this the owner and admins alone look after the relay's table by themselves. */
const smallGroup = 32;
/** How long the relay is not asked again to let this account in. */
const letInAgainAfter = 3_600_000;
/** How long a table is not compared again after an own change. */
const compareAgainAfter = 24 * 3_600_000;
/** How many members are asked for at once whose accounts the relay may not have any more. */
const askedForAtOnce = 16;

/** What upkeep works with. */
export interface UpkeepParts {
  readonly executor: Executor;
  readonly store: Store;
  readonly http: AuthorizedClient;
  /** @throws {SottoError} `not-registered`, `session-ended` */
  readonly origin: () => ContentOrigin;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly ended: AbortSignal;
}

/** What the relay keeps of a group beside its log: the checkpoint, the box of the invite, and the table of members. */
export class GroupUpkeep {
  private readonly parts: UpkeepParts;
  /** The revision at which the table of members was last compared. */
  private readonly compared = new Map<GroupId, number>();
  private readonly comparedAt = new Map<GroupId, number>();
  private readonly letIn = new Map<GroupId, number>();
  /** For which invite, and under which key, a box was last put: by a link nobody reads on beyond that. */
  private readonly boxed = new Map<GroupId, string>();

  constructor(parts: UpkeepParts) {
    this.parts = parts;
  }

  /**
   * Puts a checkpoint, if one is due.
   * @throws {SottoError} as AuthorizedClient
   */
  async putCheckpoint(groupId: GroupId): Promise<void> {
    const { store, http, origin, clock, executor, ended } = this.parts;
    const group = await store.get('group', { id: groupId });
    const known = await this.knownOf(group);
    if (group === undefined || known === undefined) return;
    const last = { revision: group.checkpointRevision, keyEpoch: group.checkpointEpoch };
    if (!isCheckpointDue(known, last)) return;
    const { account, randomness } = origin();
    const bytes = sealCheckpoint(known, ownActor(account), clock.now(), randomness);
    const { revision, keyEpoch } = known.at.state;
    await storeGroupCheckpoint(http, group.wireId, { revision, bytes }, { signal: ended });
    await executor.run([groupLock(groupId)], async (overlay) => {
      const current = await overlay.get('group', { id: groupId });
      if (current === undefined) return;
      overlay.put('group', { ...current, checkpointRevision: revision, checkpointEpoch: keyEpoch });
    });
  }

  /**
   * Makes what the relay shows by the link agree with the state: a new box, or none.
   * @throws {SottoError} as AuthorizedClient
   */
  async putInvite(groupId: GroupId): Promise<void> {
    const { store, http, origin, ended } = this.parts;
    const group = await store.get('group', { id: groupId });
    const known = await this.knownOf(group);
    if (group === undefined || known === undefined) return;
    const { wireId, revision, invite } = known.at.state;
    if (invite === undefined) {
      await removeGroupInvite(http, wireId, { signal: ended });
      this.boxed.delete(groupId);
      return;
    }
    const { sha256, randomness } = origin();
    const tokenHash = sha256(inviteToken({ wireId, inviteKey: invite.key }));
    const bytes = sealInviteBox(known, invite.key, randomness);
    await storeGroupInvite(http, wireId, { tokenHash, box: { revision, bytes } }, { signal: ended });
    this.boxed.set(groupId, boxOf(known.at.state) ?? '');
  }

  /**
   * Does what is due after somebody else's changes: the table of members is compared, and what they should have put is put when they have not.
   * @throws {SottoError} as AuthorizedClient
   */
  async look(groupId: GroupId): Promise<void> {
    const { store, origin } = this.parts;
    const group = await store.get('group', { id: groupId });
    const state = group && positionOf(group)?.state;
    if (group?.standing !== 'member' || state === undefined || group.fork !== undefined) return;
    const self = memberOf(state, origin().account.userId);
    const isAdmin = hasRole(self, 'admin');
    if ((isAdmin || state.members.length <= smallGroup) && this.compared.get(groupId) !== group.revision) {
      await this.compareTable(groupId);
      this.compared.set(groupId, group.revision);
    }
    if (!isAdmin) return;
    await this.catchUpCheckpoint(group);
    // Whoever brought a new key may have left by the same change, and puts nothing any more; and what this device put may have come behind what another one did for a later revision.
    if (this.boxed.get(groupId) !== boxOf(state)) await this.putInvite(groupId);
  }

  /**
   * Does what is due after an own change: admins compare the table of members once a day, though nobody else changes the group.
   * @throws {SottoError} as AuthorizedClient
   */
  async lookAfterOwn(groupId: GroupId): Promise<void> {
    const { store, origin, clock } = this.parts;
    const group = await store.get('group', { id: groupId });
    const state = group && positionOf(group)?.state;
    if (state === undefined || !hasRole(memberOf(state, origin().account.userId), 'admin')) return;
    const last = this.comparedAt.get(groupId);
    const now = clock.now();
    if (last !== undefined && last <= now && now < last + compareAgainAfter) return;
    await this.compareTable(groupId);
  }

  /**
   * Compares the relay's table of members with the state here, and repairs it. Of whom the relay does not put into it, and gives no device list either, it says that they have no account any more: that is kept and told. Nobody is removed by it, since it is the relay's word alone. The table is read before the log is seen to have gone no further: so a difference is none of a change that is not known yet.
   * @throws {SottoError} as AuthorizedClient
   */
  async compareTable(groupId: GroupId): Promise<void> {
    const { store, http, ended, logger, clock } = this.parts;
    const group = await store.get('group', { id: groupId });
    const state = group && positionOf(group)?.state;
    if (group?.standing !== 'member' || state === undefined || group.fork !== undefined) return;
    const { wireId, revision } = group;
    this.comparedAt.set(groupId, clock.now());
    const table = await requestGroupMembers(http, wireId, { signal: ended });
    const { lastRevision } = await requestGroupLog(http, wireId, revision, { signal: ended });
    if (lastRevision !== revision) return;
    const counted = new Set<UserId>(table);
    const added = state.members.map(({ userId }) => userId).filter((userId) => !counted.has(userId));
    const removed = table.filter((userId) => memberOf(state, userId) === undefined);
    await this.noteGone(groupId, revision, { there: table, gone: [] });
    if (added.length === 0 && removed.length === 0) return;
    logger.warn('group.table-repaired', { added: added.length, removed: removed.length });
    const repaired = new Set<UserId>(await repairGroupMembers(http, wireId, { added, removed }, { signal: ended }));
    const missing = added.filter((userId) => !repaired.has(userId)).slice(0, askedForAtOnce);
    const gone: UserId[] = [];
    for (const userId of missing) if (!(await this.hasAccount(userId))) gone.push(userId);
    await this.noteGone(groupId, revision, {
      there: [...repaired, ...missing.filter((one) => !gone.includes(one))],
      gone,
    });
  }

  /** Whether the relay has the devices of somebody. */
  private async hasAccount(userId: UserId): Promise<boolean> {
    try {
      await requestDeviceList(this.parts.http, userId, { signal: this.parts.ended });
      return true;
    } catch (error) {
      if (!(error instanceof SottoError) || error.code !== 'user-unknown') throw error;
      return false;
    }
  }

  /** Keeps and tells of whom the relay says that they have no account any more; and forgets it of whom it says so no longer. */
  private async noteGone(
    groupId: GroupId,
    revision: number,
    { there, gone }: { readonly there: readonly UserId[]; readonly gone: readonly UserId[] },
  ): Promise<void> {
    const { executor, store, clock, logger } = this.parts;
    const marked = new Set((await store.groupMembers(groupId)).flatMap((row) => (row.goneAt ? [row.userId] : [])));
    const back = there.filter((userId) => marked.has(userId));
    const news = gone.filter((userId) => !marked.has(userId));
    if (back.length === 0 && news.length === 0) return;
    logger.info('group.accounts-gone', { gone: news.length, back: back.length });
    await executor.run([groupLock(groupId)], async (overlay) => {
      const now = clock.now();
      for (const userId of [...back, ...news]) {
        const row = await overlay.get('groupMember', { groupId, userId });
        if (row !== undefined) overlay.put('groupMember', { ...row, goneAt: news.includes(userId) ? now : undefined });
      }
      if (news.length === 0) return;
      const changes = [{ type: 'account-gone', userIds: news }] as const;
      overlay.record({
        type: 'group.changed',
        chatId: chatOfGroup(groupId),
        groupId,
        revision,
        by: undefined,
        changes,
      });
    });
  }

  /**
   * The relay does not count this account among the members, though the log does: lets it in again.
   * @returns whether it is in now
   * @throws {SottoError} as AuthorizedClient
   */
  async letSelfIn(groupId: GroupId): Promise<boolean> {
    const { store, http, origin, clock, ended, logger } = this.parts;
    const group = await store.get('group', { id: groupId });
    const self = origin().account.userId;
    const state = group && positionOf(group)?.state;
    if (group?.standing !== 'member' || state === undefined || memberOf(state, self) === undefined) return false;
    const now = clock.now();
    const last = this.letIn.get(groupId);
    // A time to come is one of a clock that was set back since.
    if (last !== undefined && last <= now && now < last + letInAgainAfter) return false;
    this.letIn.set(groupId, now);
    try {
      await repairGroupMembers(http, group.wireId, { added: [self], removed: [] }, { signal: ended });
    } catch (error) {
      if (!(error instanceof SottoError) || error.code !== 'group-unknown') throw error;
      logger.warn('group.shut-out');
      return false;
    }
    return true;
  }

  /** Whoever should have put the checkpoint has not: an admin does. */
  private async catchUpCheckpoint(group: GroupRecord): Promise<void> {
    const { http, executor, ended } = this.parts;
    const known = await this.knownOf(group);
    const last = { revision: group.checkpointRevision, keyEpoch: group.checkpointEpoch };
    if (known === undefined || !isCheckpointDue(known, last)) return;
    const there = await requestGroupCheckpoint(http, group.wireId, { signal: ended }).catch(noneThere);
    const header = there && reading(() => WireCheckpoint.decode(there.bytes));
    if (there !== undefined && header !== undefined) {
      // What stands inside is its author's word, and nothing may lie beyond what is known here.
      const revision = Math.min(there.revision, known.at.state.revision);
      const keyEpoch = Math.min(header.keyEpoch, known.at.state.keyEpoch);
      if (revision > last.revision) {
        await executor.run([groupLock(group.id)], async (overlay) => {
          const current = await overlay.get('group', { id: group.id });
          if (current === undefined) return;
          overlay.put('group', { ...current, checkpointRevision: revision, checkpointEpoch: keyEpoch });
        });
        if (!isCheckpointDue(known, { revision, keyEpoch })) return;
      }
    }
    await this.putCheckpoint(group.id);
    if (known.at.state.invite !== undefined) await this.putInvite(group.id);
  }

  private async knownOf(group: GroupRecord | undefined): Promise<KnownGroup | undefined> {
    const at = group && positionOf(group);
    if (group?.standing !== 'member' || at === undefined) return undefined;
    const key = keyOfState(at.state, keySource(await this.parts.store.groupKeys(group.id)));
    return key && { at, key };
  }
}

/** What stands behind the link of a group in this state; undefined when there is none. */
function boxOf({ invite, keyEpoch }: GroupState): string | undefined {
  return invite && `${keyEpoch} ${toBase64Url(invite.id)}`;
}

/** That there is no checkpoint is no failure. */
function noneThere(error: unknown): undefined {
  if (error instanceof SottoError && error.code === 'group-unknown') return undefined;
  throw error;
}
