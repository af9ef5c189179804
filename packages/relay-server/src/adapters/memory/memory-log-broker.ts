import { randomUUID } from 'node:crypto';
import type { LogHeaders, LogPosition, LogRecord, LogTopic } from '../../ports/mail-log.ts';
import { RelayError } from '../../relay-error.ts';
import { partitionOf } from '../key-partition.ts';
import { MemoryLogGroup } from './memory-log-group.ts';

interface StoredPartition {
  readonly records: LogRecord[];
  earliest: number;
  end: number;
}

interface StoredTopic {
  readonly topicId: string;
  readonly retentionMs: number | undefined;
  readonly partitions: readonly StoredPartition[];
}

/** What memory logs have in common, and what outlives them: topics, and groups with their commits. Give one to several logs, and they are the nodes of a cluster. */
export class MemoryLogBroker {
  readonly #topics = new Map<string, StoredTopic>();
  readonly #groups = new Map<string, MemoryLogGroup>();
  readonly #newId: () => string;

  /** @param newId Names topics: never the same twice. */
  constructor(newId: () => string = randomUUID) {
    this.#newId = newId;
  }

  /** Makes a topic, or makes it anew under another id: what it held is gone then, and its partitions are lost to those who own them. */
  makeTopic(topic: string, partitions: number, retentionMs?: number): void {
    this.deleteTopic(topic);
    this.#topics.set(topic, {
      topicId: this.#newId(),
      retentionMs,
      partitions: Array.from({ length: partitions }, () => ({ records: [], earliest: 0, end: 0 })),
    });
    for (const group of this.#groups.values()) group.share();
  }

  deleteTopic(topic: string): void {
    const stored = this.#topics.get(topic);
    if (!stored) return;
    this.#topics.delete(topic);
    for (const group of this.#groups.values()) group.topicGone(stored.topicId);
  }

  append(topic: string, key: Uint8Array, value: Uint8Array, headers: LogHeaders, at: number): LogPosition {
    const { topicId, partitions } = this.#known(topic);
    const partition = partitionOf(key, partitions.length);
    const stored = this.#partition(topicId, partition);
    if (!stored) throw new RelayError('internal', 'A topic has at least one partition.');
    const offset = stored.end;
    stored.records.push({ offset, key, value, headers, appendedAt: at });
    stored.end += 1;
    for (const group of this.#groups.values()) group.appended(topicId, partition);
    return { topicId, partition, offset };
  }

  /** Records from an offset on, and where the oldest one is; `undefined` when no topic has this id any more. */
  read(
    topicId: string,
    partition: number,
    from: number,
    limit: number,
  ): { readonly earliest: number; readonly records: readonly LogRecord[] } | undefined {
    const stored = this.#partition(topicId, partition);
    if (!stored) return undefined;
    const first = Math.max(0, from - stored.earliest);
    return { earliest: stored.earliest, records: stored.records.slice(first, first + limit) };
  }

  deleteBefore(topic: string, { topicId, partition, offset }: LogPosition): 'deleted' | 'unknown' {
    const stored = this.#known(topic).topicId === topicId ? this.#partition(topicId, partition) : undefined;
    if (!stored || offset > stored.end) return 'unknown';
    if (offset > stored.earliest) {
      stored.records.splice(0, offset - stored.earliest);
      stored.earliest = offset;
    }
    return 'deleted';
  }

  describe(topic: string): LogTopic | undefined {
    const stored = this.#topics.get(topic);
    if (!stored) return undefined;
    const { topicId, retentionMs } = stored;
    const partitions = stored.partitions.map(({ earliest, end }, partition) => ({ partition, earliest, end }));
    return { topicId, retentionMs, partitions };
  }

  committed(group: string, topic: string): readonly LogPosition[] {
    const { topicId, partitions } = this.#known(topic);
    return partitions.flatMap((_, partition) => {
      const offset = this.group(group).committed(topicId, partition);
      return offset === undefined ? [] : [{ topicId, partition, offset }];
    });
  }

  /** @throws {RelayError} `config-invalid` when there is none */
  topicId(topic: string): string {
    return this.#known(topic).topicId;
  }

  group(name: string): MemoryLogGroup {
    const known = this.#groups.get(name);
    if (known) return known;
    const group = new MemoryLogGroup((topic) => this.describe(topic));
    this.#groups.set(name, group);
    return group;
  }

  #known(topic: string): StoredTopic {
    const stored = this.#topics.get(topic);
    if (stored) return stored;
    throw new RelayError('config-invalid', `The log has no topic ${topic}: make the topics before the relay starts.`);
  }

  #partition(topicId: string, partition: number): StoredPartition | undefined {
    for (const topic of this.#topics.values()) if (topic.topicId === topicId) return topic.partitions[partition];
    return undefined;
  }
}
