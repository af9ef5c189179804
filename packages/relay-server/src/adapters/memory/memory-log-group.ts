import { randomUUID } from 'node:crypto';
import type { LogAssignment, LogTopic } from '../../ports/mail-log.ts';
import { stickyShares, type TopicPartition } from '../sticky-shares.ts';

/** What a group asks of its members. */
export interface MemoryGroupMember {
  readonly topics: readonly string[];
  begin(assignment: LogAssignment): void;
  /** Resolves when the member has ended its work with the partition. */
  handOver(assignment: LogAssignment): Promise<void>;
  /** The partition is somebody else's already, or its topic is gone. */
  lose(assignment: LogAssignment): void;
  /** There are new records. */
  wake(topicId: string, partition: number): void;
}

/** Who owns which partitions, and what the group has committed. An assignment ends here before the partition is given to another member, so a commit is told from a late one by its assignment's id. */
export class MemoryLogGroup {
  readonly #describe: (topic: string) => LogTopic | undefined;
  readonly #members = new Map<MemoryGroupMember, Map<string, LogAssignment>>();
  readonly #committed = new Map<string, number>();
  /** Assignments that are being handed over. */
  readonly #leaving = new Set<string>();

  constructor(describe: (topic: string) => LogTopic | undefined) {
    this.#describe = describe;
  }

  join(member: MemoryGroupMember): void {
    this.#members.set(member, new Map());
    this.share();
  }

  /** Gives the member's partitions to others. It is not told: it has left, or is thought dead. */
  expel(member: MemoryGroupMember): void {
    if (this.#members.delete(member)) this.share();
  }

  has(member: MemoryGroupMember): boolean {
    return this.#members.has(member);
  }

  committed(topicId: string, partition: number): number | undefined {
    return this.#committed.get(`${topicId}/${partition}`);
  }

  commit(member: MemoryGroupMember, assignment: LogAssignment, offset: number): 'committed' | 'not-owned' {
    const owned = this.#members.get(member)?.get(keyOf(assignment));
    if (owned?.id !== assignment.id) return 'not-owned';
    const key = `${assignment.topicId}/${assignment.partition}`;
    this.#committed.set(key, Math.max(offset, this.#committed.get(key) ?? 0));
    return 'committed';
  }

  appended(topicId: string, partition: number): void {
    for (const member of this.#members.keys()) member.wake(topicId, partition);
  }

  topicGone(topicId: string): void {
    for (const [member, owned] of this.#members) {
      for (const [key, assignment] of owned) {
        if (assignment.topicId !== topicId) continue;
        owned.delete(key);
        member.lose(assignment);
      }
    }
  }

  /** Shares the partitions anew: who has too many hands some over, and then they are shared again. */
  share(): void {
    const members = [...this.#members.entries()];
    const ids = new Map(members.map(([member], index) => [String(index), member]));
    const sharing = members.map(([{ topics }, owned], index) => ({
      id: String(index),
      topics,
      owned: [...owned.values()],
      generation: 0,
    }));
    const counts = new Map<string, number>();
    for (const topic of members.flatMap(([{ topics }]) => topics)) {
      const described = this.#describe(topic);
      if (described) counts.set(topic, described.partitions.length);
    }
    for (const [id, share] of stickyShares(sharing, counts)) {
      const member = ids.get(id);
      if (member) this.#settle(member, share);
    }
  }

  #settle(member: MemoryGroupMember, share: readonly TopicPartition[]): void {
    const owned = this.#members.get(member);
    if (!owned) return;
    const wanted = new Set(share.map(keyOf));
    for (const [key, assignment] of owned) {
      if (!wanted.has(key)) void this.#handOver(member, owned, assignment);
    }
    for (const { topic, partition } of share) {
      const described = this.#describe(topic);
      if (!described || owned.has(keyOf({ topic, partition }))) continue;
      const { topicId, partitions } = described;
      const start = this.committed(topicId, partition) ?? partitions[partition]?.earliest ?? 0;
      const assignment = { id: randomUUID(), topic, topicId, partition, start };
      owned.set(keyOf(assignment), assignment);
      member.begin(assignment);
    }
  }

  async #handOver(
    member: MemoryGroupMember,
    owned: Map<string, LogAssignment>,
    assignment: LogAssignment,
  ): Promise<void> {
    if (this.#leaving.has(assignment.id)) return;
    this.#leaving.add(assignment.id);
    await member.handOver(assignment);
    this.#leaving.delete(assignment.id);
    if (owned.get(keyOf(assignment))?.id === assignment.id) owned.delete(keyOf(assignment));
    this.share();
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
