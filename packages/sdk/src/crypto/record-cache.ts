import type { Change, RecordKeys, RecordKind, Records } from '../ports/changes.ts';
import { recordKey } from '../ports/record-key.ts';
import type { RecordSource } from './overlay.ts';

/** Kinds that are read again soon after they were written. What is looked up once (digests, events) would only push these out. */
const keptKinds: ReadonlySet<RecordKind> = new Set<RecordKind>([
  'account',
  'user',
  'deviceList',
  'namedList',
  'identity',
  'ephemeralSecret',
  'session',
  'chat',
  'stream',
  'message',
  'outbox',
  'group',
  'groupMember',
  'groupHead',
  'senderKey',
  'ownChain',
  'senderKeyShared',
  'ownDevice',
]);

/** The most records that are kept of one kind: those of the last two generations. */
const mostOfGeneration = 1_024;

type Kept = Map<string, Records[RecordKind] | undefined>;

/** Finding the last used one exactly would cost two writes for each look: what is used moves into the newer half, and the older half goes as a whole. */
interface Generations {
  newer: Kept;
  older: Kept;
}

/** A record with more than this in one field is read again instead. */
const largestField = 8_192;

/**
 * The records of a store that were used last, in memory: what the one who writes has written need not be read back.
 *
 * Right only as long as every write goes by `committed`, which one owner of a store can promise.
 */
export class RecordCache implements RecordSource {
  private readonly below: Pick<RecordSource, 'get'>;
  private readonly kept = new Map<RecordKind, Generations>();
  /** Counts the commits: a read that was under way during one may have seen what was before it. */
  private commits = 0;

  constructor(below: Pick<RecordSource, 'get'>) {
    this.below = below;
  }

  get<Kind extends RecordKind>(kind: Kind, key: RecordKeys[Kind]): Promise<Records[Kind] | undefined> {
    if (!keptKinds.has(kind)) return this.below.get(kind, key);
    const name = recordKey(kind, key);
    const ofKind = this.kept.get(kind);
    if (ofKind === undefined) return this.read(name, kind, key);
    // It is filed under the kind of its record.
    const recent = ofKind.newer.get(name) as Records[Kind] | undefined;
    if (recent !== undefined) return Promise.resolve(recent);
    if (ofKind.newer.has(name)) return Promise.resolve(undefined);
    if (!ofKind.older.has(name)) return this.read(name, kind, key);
    const record = ofKind.older.get(name) as Records[Kind] | undefined;
    this.add(ofKind, name, record);
    return Promise.resolve(record);
  }

  /** What is committed is in the store. */
  pending(): readonly never[] {
    return [];
  }

  /** These changes are in the store now. */
  committed(changes: readonly Change[]): void {
    this.commits++;
    for (const change of changes) {
      if (!keptKinds.has(change.kind)) continue;
      if (change.type === 'prune') {
        // Rare for these kinds, and never right behind their use.
        this.kept.delete(change.kind);
        continue;
      }
      const key = change.type === 'put' ? change.record : change.key;
      const name = recordKey(change.kind, key as RecordKeys[RecordKind]);
      this.keep(change.kind, name, change.type === 'put' ? change.record : undefined);
    }
  }

  /** It is not certain any more what the store holds. */
  clear(): void {
    this.commits++;
    this.kept.clear();
  }

  private async read<Kind extends RecordKind>(
    name: string,
    kind: Kind,
    key: RecordKeys[Kind],
  ): Promise<Records[Kind] | undefined> {
    const { commits } = this;
    const record = await this.below.get(kind, key);
    if (commits === this.commits) this.keep(kind, name, record);
    return record;
  }

  private keep(kind: RecordKind, name: string, record: Records[RecordKind] | undefined): void {
    let ofKind = this.kept.get(kind);
    if (ofKind === undefined) {
      ofKind = { newer: new Map(), older: new Map() };
      this.kept.set(kind, ofKind);
    }
    if (record === undefined || !isLarge(record)) {
      this.add(ofKind, name, record);
      return;
    }
    ofKind.newer.delete(name);
    ofKind.older.delete(name);
  }

  private add(ofKind: Generations, name: string, record: Records[RecordKind] | undefined): void {
    if (ofKind.newer.size >= mostOfGeneration && !ofKind.newer.has(name)) {
      ofKind.older = ofKind.newer;
      ofKind.newer = new Map();
    }
    ofKind.newer.set(name, record);
  }
}

function isLarge(record: Records[RecordKind]): boolean {
  return (
    ('text' in record && record.text.length > largestField) ||
    ('content' in record && record.content.length > largestField) ||
    ('state' in record && record.state.length > largestField)
  );
}
