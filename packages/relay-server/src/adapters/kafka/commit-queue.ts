import { offsetCommitV8 } from '@platformatic/kafka';
import type { LogAssignment } from '../../ports/mail-log.ts';
import type { Timers } from '../../ports/timers.ts';
import type { RelayError } from '../../relay-error.ts';
import { within } from '../within.ts';
import type { GroupMember, Membership } from './group-member.ts';
import type { BrokerLine } from './kafka-cluster.ts';
import { codesOf, kafkaCode, storeFailure } from './kafka-failure.ts';

type Outcome = 'committed' | 'not-owned';

interface Waiting {
  readonly offset: number;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: RelayError) => void;
}

/** What of an assignment is committed, and what waits to be. */
interface Progress {
  readonly assignment: LogAssignment;
  committed: number;
  waiting: Waiting[];
}

/** What a queue works with. */
export interface CommitQueueOptions {
  readonly group: string;
  readonly member: GroupMember;
  readonly line: BrokerLine;
  readonly timers: Timers;
}

/** How long a commit waits for a group that shares anew before it tries again, when nothing wakes it. */
const settleMs = 100;

/**
 * Commits of one member: one request at a time, with all that waits in it, so that no partition has two commits under way and none arrives after a later one.
 *
 * Each is signed with the membership at the time of sending, and sent only when the assignment is owned at that time: the coordinator takes it if the group is still in that generation, in which nobody else has the partition.
 * When it is not (ILLEGAL_GENERATION, or REBALANCE_IN_PROGRESS), the commit waits for the next share and is sent again if the very same assignment has survived it: it was owned all the time then. UNKNOWN_MEMBER_ID means that others had the time to take over: nothing is sent again.
 *
 * The id of the topic goes into the commit's metadata: OffsetCommit up to version 9 names topics, and a topic that was made anew has the same name.
 */
export class CommitQueue {
  readonly #options: CommitQueueOptions;
  readonly #owned = new Map<string, Progress>();
  /** What the request under way is about. */
  #underWay: readonly Progress[] = [];
  #isSending = false;

  constructor(options: CommitQueueOptions) {
    this.#options = options;
  }

  begin(assignment: LogAssignment): void {
    this.#owned.set(assignment.id, { assignment, committed: assignment.start, waiting: [] });
  }

  /** Nothing of the assignment is committed any more; what waits is `not-owned`, but for what is under way already. */
  end(assignment: LogAssignment): void {
    const progress = this.#owned.get(assignment.id);
    if (!progress) return;
    this.#owned.delete(assignment.id);
    if (this.#underWay.includes(progress)) return;
    for (const { resolve } of progress.waiting.splice(0)) resolve('not-owned');
  }

  commit(assignment: LogAssignment, offset: number): Promise<Outcome> {
    const progress = this.#owned.get(assignment.id);
    if (!progress) return Promise.resolve('not-owned');
    return new Promise((resolve, reject) => {
      progress.waiting.push({ offset, resolve, reject });
      if (!this.#isSending) void this.#send();
    });
  }

  async #send(): Promise<void> {
    this.#isSending = true;
    // What is committed in the same turn goes together.
    await Promise.resolve();
    for (let pending = this.#pending(); pending.length > 0; pending = this.#pending()) {
      this.#underWay = pending;
      await this.#sendOnce(pending);
    }
    this.#isSending = false;
  }

  /** Who waits for a commit. Those of the last request may have ended meanwhile. */
  #pending(): readonly Progress[] {
    const all = new Set([...this.#underWay, ...this.#owned.values()]);
    this.#underWay = [];
    for (const progress of all) {
      const isOwned = this.#owned.get(progress.assignment.id) === progress;
      progress.waiting = progress.waiting.filter(({ offset, resolve }) => {
        if (!isOwned) resolve('not-owned');
        else if (offset > progress.committed) return true;
        else resolve('committed');
        return false;
      });
    }
    return [...all].filter(({ waiting }) => waiting.length > 0);
  }

  async #sendOnce(pending: readonly Progress[]): Promise<void> {
    const { member, line, group } = this.#options;
    const signed = member.membership;
    if (!signed) return this.#untilSettled();
    const sent = pending.map((progress) => ({
      progress,
      offset: Math.max(...progress.waiting.map(({ offset }) => offset)),
    }));
    try {
      const connection = await line.to(await member.coordinator());
      // Time has passed: only what is owned now, by the same membership, is sent.
      const now = member.membership;
      if (now?.generation !== signed.generation || now.memberId !== signed.memberId) return;
      const owned = sent.filter(({ progress }) => this.#owned.has(progress.assignment.id));
      if (owned.length === 0) return;
      const topics = owned.map(({ progress: { assignment }, offset }) => ({
        name: assignment.topic,
        partitions: [
          {
            partitionIndex: assignment.partition,
            committedOffset: BigInt(offset),
            committedLeaderEpoch: -1,
            committedMetadata: assignment.topicId,
          },
        ],
      }));
      await offsetCommitV8.api.async(connection, group, signed.generation, signed.memberId, null, topics);
      for (const { progress, offset } of owned) {
        progress.committed = Math.max(progress.committed, offset);
        this.#settle(progress, offset);
      }
    } catch (error) {
      await this.#refused(error, signed, sent);
    }
  }

  #settle(progress: Progress, offset: number): void {
    progress.waiting = progress.waiting.filter((waiting) => {
      if (waiting.offset > offset) return true;
      waiting.resolve('committed');
      return false;
    });
  }

  async #refused(
    error: unknown,
    signed: Membership,
    sent: readonly { readonly progress: Progress; readonly offset: number }[],
  ): Promise<void> {
    const { member } = this.#options;
    const codes = codesOf(error);
    if (codes.has(kafkaCode.rebalanceInProgress)) return this.#untilSettled();
    if (codes.has(kafkaCode.unknownMember) || codes.has(kafkaCode.illegalGeneration)) {
      member.refused(signed, codes);
      // Expelled: all has ended. Else the group is about to go on, or has gone on, with this member.
      const isOwned = sent.some(({ progress }) => this.#owned.has(progress.assignment.id));
      return isOwned && member.membership === undefined ? this.#untilSettled() : undefined;
    }
    member.forgetCoordinator();
    const failure = storeFailure(error);
    for (const { progress, offset } of sent) {
      progress.waiting = progress.waiting.filter((waiting) => {
        if (waiting.offset > offset) return true;
        waiting.reject(failure);
        return false;
      });
    }
  }

  async #untilSettled(): Promise<void> {
    await within(this.#options.timers, settleMs, this.#options.member.changed());
  }
}
