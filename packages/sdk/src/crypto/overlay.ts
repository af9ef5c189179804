import type { Change, Pruning, RecordKeys, RecordKind, Records } from '../ports/changes.ts';
import type { EventFact } from '../ports/event-records.ts';
import { recordKey } from '../ports/record-key.ts';

/** What an operation reads from and writes to: its own changes first, then those of the operations before it in the batch, then the store. */
export interface Overlay {
  get<Kind extends RecordKind>(kind: Kind, key: RecordKeys[Kind]): Promise<Records[Kind] | undefined>;
  /** The records of a kind that were put and are not in the store yet: what a query of the store can't know. */
  pending<Kind extends RecordKind>(kind: Kind): readonly Records[Kind][];
  /** @param changed the only fields in which the record differs from the one that is there: a store may spare itself the rest */
  put<Kind extends RecordKind>(kind: Kind, record: Records[Kind], changed?: readonly (keyof Records[Kind])[]): void;
  delete<Kind extends RecordKind>(kind: Kind, key: RecordKeys[Kind]): void;
  /** Removes what has become too old or was given up, when the batch is committed, behind all its other changes. */
  prune(pruning: Pruning): void;
  /** Writes down what happened, in the same commit. */
  record(fact: EventFact): void;
  /** Where the next message stands in the order of this device. Never given twice. */
  nextPosition(): number;
  /** The id of the next outbox record. Never given twice. */
  nextOutboxId(): number;
  /** Runs a part whose changes are kept only when it does not throw. */
  attempt<T>(part: (overlay: Overlay) => Promise<T> | T): Promise<T>;
}

/** Gives numbers that are never given twice, whatever becomes of the operation that asked. */
export interface NumberSource {
  nextPosition(): number;
  nextOutboxId(): number;
}

/** What lies below an overlay. */
export interface RecordSource {
  get<Kind extends RecordKind>(kind: Kind, key: RecordKeys[Kind]): Promise<Records[Kind] | undefined>;
  pending<Kind extends RecordKind>(kind: Kind): readonly Records[Kind][];
}

/** An overlay in memory: collects changes, one per record, until they are merged below or committed. */
export class RecordOverlay implements Overlay {
  private readonly below: RecordSource;
  private readonly numbers: NumberSource;
  /** By kind and key; within a kind in the order in which each record was first touched. */
  private readonly changes = new Map<RecordKind, Map<string, Change>>();
  private readonly pruned: Change[] = [];
  private readonly written: EventFact[] = [];

  constructor(below: RecordSource, numbers: NumberSource) {
    this.below = below;
    this.numbers = numbers;
  }

  // Not async: what is here or in memory below is handed on without a turn for each layer.
  get<Kind extends RecordKind>(kind: Kind, key: RecordKeys[Kind]): Promise<Records[Kind] | undefined> {
    const change = this.changes.get(kind)?.get(recordKey(kind, key));
    if (change === undefined) return this.below.get(kind, key);
    // A change is filed under the kind of its record, so the record is of the kind asked for.
    return Promise.resolve(change.type === 'put' ? (change.record as Records[Kind]) : undefined);
  }

  pending<Kind extends RecordKind>(kind: Kind): readonly Records[Kind][] {
    const here = this.changes.get(kind);
    const below = this.below.pending(kind);
    if (here === undefined) return below;
    // Every record carries the fields of its key (RecordKeys picks them from it).
    const covered = (record: Records[Kind]) => here.has(recordKey(kind, record as unknown as RecordKeys[Kind]));
    const put = [...here.values()].flatMap((change) => (change.type === 'put' ? [change.record as Records[Kind]] : []));
    return [...below.filter((record) => !covered(record)), ...put];
  }

  put<Kind extends RecordKind>(kind: Kind, record: Records[Kind], changed?: readonly (keyof Records[Kind])[]): void {
    // Every record carries the fields of its key (RecordKeys picks them from it).
    const key = recordKey(kind, record as unknown as RecordKeys[Kind]);
    this.set(kind, key, { type: 'put', kind, record, ...(changed && { changed }) } as Change);
  }

  delete<Kind extends RecordKind>(kind: Kind, key: RecordKeys[Kind]): void {
    this.set(kind, recordKey(kind, key), { type: 'delete', kind, key } as Change);
  }

  prune(pruning: Pruning): void {
    this.pruned.push({ type: 'prune', ...pruning });
  }

  record(fact: EventFact): void {
    this.written.push(fact);
  }

  nextPosition(): number {
    return this.numbers.nextPosition();
  }

  nextOutboxId(): number {
    return this.numbers.nextOutboxId();
  }

  async attempt<T>(part: (overlay: Overlay) => Promise<T> | T): Promise<T> {
    const above = new RecordOverlay(this, this.numbers);
    const result = await part(above);
    this.merge(above);
    return result;
  }

  /** Takes over all that an overlay above this one collected. */
  merge(above: RecordOverlay): void {
    // Walked without an iterator, which would make an array of each entry: every message passes through here.
    above.changes.forEach((ofKind, kind) => {
      ofKind.forEach((change, key) => {
        this.set(kind, key, change);
      });
    });
    this.pruned.push(...above.pruned);
    this.written.push(...above.written);
  }

  /** The last change of a record counts; what it changed is counted from the store's record, not from the one in between. */
  private set(kind: RecordKind, key: string, change: Change): void {
    let ofKind = this.changes.get(kind);
    if (ofKind === undefined) {
      ofKind = new Map();
      this.changes.set(kind, ofKind);
    }
    const before = ofKind.get(key);
    if (before === undefined || change.type !== 'put' || change.changed === undefined) {
      ofKind.set(key, change);
      return;
    }
    const { changed, ...whole } = change;
    const known = before.type === 'put' ? before.changed : undefined;
    ofKind.set(key, (known ? { ...whole, changed: [...new Set([...known, ...changed])] } : whole) as Change);
  }

  /** What to commit: changes, then prunes. */
  collected(): { readonly changes: readonly Change[]; readonly facts: readonly EventFact[] } {
    const changes = [...this.changes.values()].flatMap((ofKind) => [...ofKind.values()]);
    return { changes: [...changes, ...this.pruned], facts: this.written };
  }
}
