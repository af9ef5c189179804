import type { RecordKind, Records } from '../../ports/changes.ts';
import type { StoreCounters } from '../../ports/store.ts';

/** The records of every kind, by their key. */
export type MemoryTables = { readonly [Kind in RecordKind]: Map<string, Records[Kind]> };

/**
 * What memory stores keep beyond their closing: the file of a store that has none.
 *
 * Openers that share a disk open the same data. Its two switches stand for what happens to real disks.
 */
export class MemoryDisk {
  readonly tables: MemoryTables = {
    account: new Map(),
    registration: new Map(),
    user: new Map(),
    deviceList: new Map(),
    namedList: new Map(),
    declined: new Map(),
    identity: new Map(),
    session: new Map(),
    prekey: new Map(),
    kyberUse: new Map(),
    chat: new Map(),
    stream: new Map(),
    message: new Map(),
    receipt: new Map(),
    outbox: new Map(),
    outboxPart: new Map(),
    seen: new Map(),
    held: new Map(),
    event: new Map(),
    cursor: new Map(),
    resend: new Map(),
    repair: new Map(),
    ephemeralSecret: new Map(),
    group: new Map(),
    groupMember: new Map(),
    groupKey: new Map(),
    groupHead: new Map(),
    groupIntent: new Map(),
    senderKey: new Map(),
    ownChain: new Map(),
    senderKeyShared: new Map(),
    ownDevice: new Map(),
    listIntent: new Map(),
    certificate: new Map(),
  };
  ownerEpoch = 0;
  counters: StoreCounters = { position: 0, outbox: 0, changeSeq: 0 };
  /** While set, every commit fails as on a full disk. */
  full = false;
  #owner: object | undefined;

  /** Takes the lock for an owner; says whether it was free. */
  lock(owner: object): boolean {
    if (this.#owner !== undefined) return false;
    this.#owner = owner;
    return true;
  }

  /** Lets go of the lock, if this owner has it. */
  unlock(owner: object): void {
    if (this.#owner === owner) this.#owner = undefined;
  }

  /** Takes the lock from whoever has it, who does not learn of it: a lock lost by the operating system, a second machine. */
  breakLock(): void {
    this.#owner = undefined;
  }
}
