import { refuseWhenEnded } from '../accounts/standing.ts';
import type { Executor } from '../crypto/executor.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { Clock } from '../ports/clock.ts';
import type { GroupKeyRecord, GroupRecord } from '../ports/group-records.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { GroupId, UserId } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { Store } from '../ports/store.ts';
import { type GroupLogPage, requestGroupLog } from '../transport/group-calls.ts';
import type { AuthorizedClient } from '../transport/http-client.ts';
import { advance, type GroupAdvance, isRecordOf, missingIn } from './group-advance.ts';
import { isForkedByRelay, noteForkByRelay } from './group-fork.ts';
import type { GroupPosition } from './group-head.ts';
import type { WantedKey } from './group-keys.ts';
import { groupBytes } from './group-limits.ts';
import { groupLock } from './group-lock.ts';
import { keepAdvance, locksOfAdvance } from './keep-group.ts';
import { isPresumedOut, keySource, positionOf } from './stored-group.ts';

/** How many records are evaluated and committed at once: the client does other things in between. */
const recordsAtOnce = 16;

/** How far a log was followed. */
export interface Followed {
  /** `reached`: to what the relay has. `waits`: a state key is missing. `forked`: the relay shows another log. `gone`: there is nothing to follow. */
  readonly outcome: 'reached' | 'waits' | 'forked' | 'gone';
  /** Records were evaluated. */
  readonly moved: boolean;
  /** The keys that are missing: the next one first. */
  readonly missing: readonly WantedKey[];
}

/** What following works with. */
export interface FollowerParts {
  readonly executor: Executor;
  readonly store: Store;
  readonly http: AuthorizedClient;
  /** @throws {SottoError} `not-registered`, `session-ended` */
  readonly self: () => UserId;
  readonly clock: Clock;
  readonly sha256: Sha256;
  readonly logger: Logger;
}

/** Brings what is known of a group to where its log is. Of one group one call at a time. */
export class GroupFollower {
  private readonly parts: FollowerParts;

  constructor(parts: FollowerParts) {
    this.parts = parts;
  }

  /**
   * Fetches page after page of a group's log, evaluates, and commits each piece. It begins one record back, so that a relay is found out that shows another log than before.
   * @throws {SottoError} `group-unknown` (the relay does not count this account among the readers), `session-ended`, and as AuthorizedClient
   */
  async follow(groupId: GroupId, signal: AbortSignal): Promise<Followed> {
    const { store, http } = this.parts;
    let moved = false;
    for (let isFirst = true; ; isFirst = false) {
      const group = await store.get('group', { id: groupId });
      const from = group && positionOf(group);
      if (group === undefined || from === undefined || !this.isReader(group))
        return { outcome: 'gone', moved, missing: [] };
      const before = isFirst ? await this.headBefore(group) : undefined;
      const page = await requestGroupLog(http, group.wireId, group.revision - (before ? 1 : 0), { signal });
      const records = this.restOf(page, from, before);
      if (records === 'forked') {
        await this.keepFork(group);
        return { outcome: 'forked', moved, missing: [] };
      }
      if (isFirst && isForkedByRelay(group) && showsAgain(page, group.revision, before)) {
        moved = (await this.endFork(group)) || moved;
      }
      if (records.length === 0) return { outcome: 'reached', moved, missing: [] };
      const taken = await this.take(groupId, from.state.revision + 1, records);
      moved ||= taken.moved;
      if (taken.missing.length > 0) return { outcome: 'waits', moved, missing: taken.missing };
    }
  }

  /**
   * Evaluates records that follow what is known, as those of a page, and commits them. What is known already is passed over.
   * @param first the revision of the first of them, as it was asked for: the group may have moved since
   */
  async take(
    groupId: GroupId,
    first: number,
    records: readonly Uint8Array[],
  ): Promise<Pick<Followed, 'moved' | 'missing'>> {
    let moved = false;
    for (;;) {
      const revision = (await this.parts.store.get('group', { id: groupId }))?.revision ?? 0;
      const rest = revision + 1 < first ? [] : records.slice(revision + 1 - first);
      if (rest.length === 0) break;
      const step = await this.takeSome(groupId, revision, rest);
      if (step === undefined) break;
      moved ||= step.steps.length > 0;
      const { missing } = step;
      if (missing.length > 0) return { moved, missing };
      if (step.steps.length === 0) break;
    }
    return { moved, missing: [] };
  }

  /** Evaluates records that follow this revision; undefined when the group has moved on from it. */
  private async takeSome(
    groupId: GroupId,
    revision: number,
    records: readonly Uint8Array[],
  ): Promise<GroupAdvance | undefined> {
    const { store, executor, clock, sha256 } = this.parts;
    const group = await store.get('group', { id: groupId });
    const from = group && positionOf(group);
    if (group?.revision !== revision || from === undefined) return undefined;
    const known = await store.groupKeys(groupId);
    const keys = keySource(known);
    const self = this.parts.self();
    const step = advance(from, records.slice(0, recordsAtOnce), self, keys, sha256);
    const missing = step.missing.length > 0 ? missingIn(records.slice(step.steps.length), keys, step.missing[0]) : [];
    const kept = await executor.run(locksOfAdvance(groupId, step), async (overlay) => {
      await refuseWhenEnded(overlay);
      const current = await overlay.get('group', { id: groupId });
      // Something else has moved it meanwhile: a welcome.
      if (current === undefined || !sameBytes(current.head, group.head)) return false;
      await keepAdvance(overlay, current, { ...step, missing }, { self, now: clock.now(), sha256 });
      dropUseless(overlay, known, step);
      return true;
    });
    return kept ? { ...step, missing } : undefined;
  }

  /** Members are, and who is taken for none without a record that says so. */
  private isReader(group: GroupRecord): boolean {
    return group.standing === 'member' || isPresumedOut(group, this.parts.self());
  }

  /** The records of a page that follow a position; or that they belong to another log. */
  private restOf(
    { records, firstRevision, lastRevision }: GroupLogPage,
    at: GroupPosition,
    before: Uint8Array | undefined,
  ): readonly Uint8Array[] | 'forked' {
    const { revision } = at.state;
    if (lastRevision < revision) return 'forked';
    const [first] = records;
    if (first === undefined) return [];
    if (before !== undefined && firstRevision === revision) {
      return isRecordOf(first, before, at, this.parts.sha256) ? records.slice(1) : 'forked';
    }
    if (firstRevision === revision + 1) return records;
    // What comes between is not for this account: it was out meanwhile, and waits for its welcome.
    this.parts.logger.warn('group.log-has-gap');
    return [];
  }

  /** The head before the last known record, if it is known. */
  private async headBefore({ id: groupId, revision }: GroupRecord): Promise<Uint8Array | undefined> {
    if (revision === 1) return new Uint8Array(groupBytes.head);
    return (await this.parts.store.get('groupHead', { groupId, revision: revision - 1 }))?.head;
  }

  private async keepFork({ id, head }: GroupRecord): Promise<void> {
    await this.parts.executor.run([groupLock(id)], async (overlay) => {
      const group = await overlay.get('group', { id });
      if (group === undefined || !sameBytes(group.head, head)) return;
      noteForkByRelay(overlay, group, group.revision, this.parts.clock.now());
    });
  }

  private endFork({ id, head }: GroupRecord): Promise<boolean> {
    return this.parts.executor.run([groupLock(id)], async (overlay) => {
      const group = await overlay.get('group', { id });
      if (group === undefined || !sameBytes(group.head, head) || !isForkedByRelay(group)) return false;
      overlay.put('group', { ...group, fork: undefined });
      return true;
    });
  }
}

/** Whether a page that contradicts nothing shows what was seen before: its last record, or, where that can't be told, that the log goes as far. */
function showsAgain(
  { records, firstRevision }: GroupLogPage,
  revision: number,
  before: Uint8Array | undefined,
): boolean {
  if (before !== undefined) return records.length > 0 && firstRevision === revision;
  return records.length === 0 || firstRevision === revision + 1;
}

/** Keys of epochs that are over, by which nothing was opened: of records that came too late, or made up. */
function dropUseless(overlay: Overlay, known: readonly GroupKeyRecord[], { at, opened }: GroupAdvance): void {
  for (const { groupId, keyEpoch, keyCommitment, evaluated } of known) {
    if (evaluated || keyEpoch > at.state.keyEpoch) continue;
    if (opened.some((one) => one.keyEpoch === keyEpoch && sameBytes(one.keyCommitment, keyCommitment))) continue;
    overlay.delete('groupKey', { groupId, keyEpoch, keyCommitment });
  }
}
