import { refuseWhenEnded } from '../accounts/standing.ts';
import { chatOfGroup, chatWith } from '../chats/chat-state.ts';
import type { Executor } from '../crypto/executor.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import { addHiddenContent, addHiddenToEach, addHiddenToGroup } from '../outbox/hidden-row.ts';
import type { Clock } from '../ports/clock.ts';
import type { GroupIntentRecord, GroupRecord } from '../ports/group-records.ts';
import type { ChatId, UserId } from '../ports/ids.ts';
import type { Store } from '../ports/store.ts';
import { SottoError } from '../sotto-error.ts';
import { ownQueue, siblingsOf, tellSiblings } from '../sync/own-sync.ts';
import { advance, type GroupAdvance } from './group-advance.ts';
import { startOfGroup } from './group-head.ts';
import { writeGroupKeys } from './group-keys.ts';
import { decodeRecord } from './group-record.ts';
import { keepAdvance, keepStart, locksOfAdvance, locksOfGroup } from './keep-group.ts';
import { keySource, positionOf } from './stored-group.ts';
import { writeWelcome } from './welcome.ts';

/** Whoever leaves tells at most so many others by themselves; the rest learns it from the log. */
const mostTold = 32;

/** What settling works with. */
export interface SettlementParts {
  readonly executor: Executor;
  readonly store: Store;
  /** @throws {SottoError} `not-registered`, `session-ended` */
  readonly origin: () => ContentOrigin;
  readonly clock: Clock;
}

/** What the relay has accepted of own changes becomes what is known here, and the others are told. */
export class GroupSettlement {
  private readonly parts: SettlementParts;

  constructor(parts: SettlementParts) {
    this.parts = parts;
  }

  /**
   * Keeps an accepted change, with the welcomes for those who came and a word to the others, in one commit.
   * @param isLast there is nothing else to do about it: the change is not on its way any more
   * @returns queues in which something waits now
   */
  async settle(intent: GroupIntentRecord, isLast: boolean): Promise<readonly ChatId[]> {
    const { store, executor, origin } = this.parts;
    const { groupId, welcomed, removed } = intent;
    for (;;) {
      const group = await store.get('group', { id: groupId });
      const step = await this.stepOf(intent, group);
      const members = step?.at.state.members.map(({ userId }) => userId) ?? [];
      const locks = [
        ...locksOfGroup(groupId, [...welcomed, ...removed, ...members.slice(0, group === undefined ? undefined : 0)]),
        ...(step === undefined ? [] : locksOfAdvance(groupId, step)),
      ];
      const queued = await executor.run(
        [...new Set(locks)],
        async (overlay) => {
          await refuseWhenEnded(overlay);
          const current = await overlay.get('group', { id: groupId });
          const isThere = group === undefined ? current === undefined : current && sameBytes(current.head, group.head);
          if (isThere !== true) return undefined;
          const kept = step === undefined ? group : await this.keep(overlay, intent, group, step);
          if (isLast) overlay.delete('groupIntent', { groupId });
          if (kept === undefined) return [];
          const isNew = group?.standing !== 'member' && kept.standing === 'member';
          return this.tell(overlay, intent, kept, isNew, origin());
        },
        { after: 'group-change.settled' },
      );
      if (queued !== undefined) return queued;
    }
  }

  /** The change as a step from what is known; undefined when it is known already: the log was followed meanwhile. */
  private async stepOf(intent: GroupIntentRecord, group: GroupRecord | undefined): Promise<GroupAdvance | undefined> {
    const { store, origin } = this.parts;
    const { account, sha256 } = origin();
    const { groupId, record, revision } = intent;
    const read = decodeRecord(record);
    if (read === undefined || (group !== undefined && group.revision !== revision - 1)) return undefined;
    const from = group === undefined ? startOfGroup(read.wireId) : positionOf(group);
    if (from === undefined) return undefined;
    const step = advance(from, [record], account.userId, keySource(await store.groupKeys(groupId)), sha256);
    if (step.steps.length === 1) return step;
    throw new SottoError('internal', 'an own change of a group can not be read: report it');
  }

  private async keep(
    overlay: Overlay,
    intent: GroupIntentRecord,
    group: GroupRecord | undefined,
    step: GroupAdvance,
  ): Promise<GroupRecord> {
    const { account, sha256 } = this.parts.origin();
    const keeping = { self: account.userId, now: this.parts.clock.now(), sha256 };
    if (group !== undefined) return keepAdvance(overlay, group, step, keeping);
    const { groupId, keyEpoch, key } = intent;
    if (key === undefined) throw new SottoError('internal', 'a new group has no key: report it');
    const known = { at: step.at, key: { keyEpoch, key } };
    const kept = await keepStart(overlay, known, { standing: 'member', accepted: true }, keeping);
    const { revision } = kept;
    const chatId = chatOfGroup(groupId);
    overlay.record({
      type: 'group.changed',
      chatId,
      groupId,
      revision,
      by: account.userId,
      changes: [{ type: 'created' }],
    });
    return kept;
  }

  /** Welcomes those who came, tells the others, those who are out, and the own other devices of a group that is new to this user. */
  private async tell(
    overlay: Overlay,
    { groupId, welcomed, removed }: GroupIntentRecord,
    group: GroupRecord,
    isNew: boolean,
    origin: ContentOrigin,
  ): Promise<readonly ChatId[]> {
    const now = this.parts.clock.now();
    const self = origin.account.userId;
    const queued = new Set<ChatId>();
    const at = positionOf(group);
    const { keyEpoch = 0, keyCommitment = new Uint8Array() } = at?.state ?? {};
    const key = at && (await overlay.get('groupKey', { groupId, keyEpoch, keyCommitment }));
    // Written and kept once: it is as long as the group is large.
    const groupWelcome = at && key && writeWelcome({ at, key });
    const inside = new Set(at?.state.members.map(({ userId }) => userId));
    const guests = groupWelcome ? welcomed.filter((userId) => inside.has(userId)) : [];
    if (groupWelcome) addHiddenToEach(overlay, origin, guests, { groupWelcome }, now);
    for (const userId of guests) queued.add(chatWith(userId));
    if (isNew && groupWelcome && key) {
      const what = { group: { welcome: groupWelcome, keys: writeGroupKeys(group.wireId, [key]) } };
      if (await tellSiblings(overlay, () => origin, what, now)) queued.add(ownQueue(origin.account));
    }
    // Own other devices are in the audience of a member, and of nobody else.
    const own = (await siblingsOf(overlay, origin.account)).length > 0 ? [self] : [];
    const alone: readonly UserId[] =
      group.standing === 'member'
        ? removed.filter((userId) => userId !== self)
        : [...own, ...[...inside].slice(0, mostTold)];
    for (const userId of alone) {
      // Where the group is stands in it already: for others it is added when it is sealed, and only to members.
      const { wireId, revision, head } = group;
      const fields = { groupId: wireId, groupEpoch: revision, groupHead: head, groupPoke: {} };
      addHiddenContent(overlay, origin, userId, fields, now);
      queued.add(chatWith(userId));
    }
    if (group.standing === 'member') {
      addHiddenToGroup(overlay, origin, group, { groupPoke: {} }, now);
      queued.add(chatOfGroup(groupId));
    }
    return [...queued];
  }
}
