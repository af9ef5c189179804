import type { Change, RecordKeys, RecordKind, Records } from '../ports/changes.ts';
import { recordKey } from '../ports/record-key.ts';
import type { RecordSource } from './overlay.ts';

/** Kinds that are read again soon after they were written. What is looked up once (digests, events) would only push these out. */
const keptKinds: ReadonlySet<RecordKind> = new Set<RecordKind>([
  'account',
  'user',
  'deviceList',
  'identity',
  'session',
  'chat',
  'stream',
  'message',
  'outbox',
]);

/** About this many bytes are kept. */
const largestWeight = 16 * 1024 * 1024;

interface Kept {
  readonly record: Records[RecordKind] | undefined;
  readonly weight: number;
}

/**
 * The records of a store that were used last, in memory: what the one who writes has written need not be read back.
 *
 * Right only as long as every write goes by `committed`, which one owner of a store can promise.
 */
export class RecordCache implements RecordSource {
  private readonly below: RecordSource;
  private readonly kept = new Map<string, Kept>();
  private weight = 0;
  /** Counts the commits: a read that was under way during one may have seen what was before it. */
  private commits = 0;

  constructor(below: RecordSource) {
    this.below = below;
  }

  get<Kind extends RecordKind>(kind: Kind, key: RecordKeys[Kind]): Promise<Records[Kind] | undefined> {
    if (!keptKinds.has(kind)) return this.below.get(kind, key);
    const name = `${kind}:${recordKey(kind, key)}`;
    const known = this.kept.get(name);
    if (known !== undefined) {
      // The last used is the last to go.
      this.kept.delete(name);
      this.kept.set(name, known);
      // It is filed under the kind of its record.
      return Promise.resolve(known.record as Records[Kind] | undefined);
    }
    return this.read(name, kind, key);
  }

  /** These changes are in the store now. */
  committed(changes: readonly Change[]): void {
    this.commits++;
    for (const change of changes) {
      if (change.type === 'prune' || !keptKinds.has(change.kind)) continue;
      const key = change.type === 'put' ? change.record : change.key;
      const name = `${change.kind}:${recordKey(change.kind, key as RecordKeys[RecordKind])}`;
      this.keep(name, change.type === 'put' ? change.record : undefined);
    }
  }

  /** It is not certain any more what the store holds. */
  clear(): void {
    this.commits++;
    this.kept.clear();
    this.weight = 0;
  }

  private async read<Kind extends RecordKind>(
    name: string,
    kind: Kind,
    key: RecordKeys[Kind],
  ): Promise<Records[Kind] | undefined> {
    const { commits } = this;
    const record = await this.below.get(kind, key);
    if (commits === this.commits) this.keep(name, record);
    return record;
  }

  private keep(name: string, record: Records[RecordKind] | undefined): void {
    this.weight -= this.kept.get(name)?.weight ?? 0;
    this.kept.delete(name);
    const weight = weigh(name, record);
    this.kept.set(name, { record, weight });
    this.weight += weight;
    for (const [oldest, { weight: freed }] of this.kept) {
      if (this.weight <= largestWeight) return;
      this.kept.delete(oldest);
      this.weight -= freed;
    }
  }
}

/** About how much memory a record takes. */
function weigh(name: string, record: object | undefined): number {
  let weight = 200 + name.length;
  for (const value of Object.values(record ?? {})) {
    if (typeof value === 'string') weight += 2 * value.length;
    else if (value instanceof Uint8Array) weight += value.length;
    else weight += 16;
  }
  return weight;
}
