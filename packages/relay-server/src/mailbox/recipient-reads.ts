import type { Directory } from '../accounts/directory.ts';
import type { StoredDeviceList } from '../ports/account-store.ts';
import type { UserId } from '../ports/ids.ts';

/** Where a check reads what it needs of recipients. */
export type RecipientAccounts = Pick<Directory, 'deviceList' | 'accessKeyHash'>;

interface Reading<Value> {
  readonly value: Promise<Value>;
  /** The last Send that had come in when it began. */
  readonly lastServed: number;
}

/**
 * What is read of recipients for the Sends of one stream, which are decided one after the other: a reading serves all Sends that had come in when it began, and no later one.
 *
 * So Sends that pile up while one is looked at cost one reading together, and nothing is remembered: what a Send is decided by was so after it had come in.
 * A reading is let go with the last Send that it may serve.
 */
export class RecipientReads implements RecipientAccounts {
  readonly #accounts: RecipientAccounts;
  readonly #lists = new Map<UserId, Reading<StoredDeviceList | undefined>>();
  readonly #keyHashes = new Map<UserId, Reading<Uint8Array | undefined>>();
  /** Sends that have come in, and those of them that are decided, or being decided. */
  #came = 0;
  #begun = 0;

  constructor(accounts: RecipientAccounts) {
    this.#accounts = accounts;
  }

  /** One more Send has come in. */
  came(): void {
    this.#came++;
  }

  /** The next Send is looked at: what is read from here on is for it. */
  begin(): void {
    this.#begun++;
    this.#letGo(this.#lists);
    this.#letGo(this.#keyHashes);
  }

  /** How many readings are kept. */
  get size(): number {
    return this.#lists.size + this.#keyHashes.size;
  }

  /** No Send waits that anything read so far could serve. */
  clear(): void {
    this.#lists.clear();
    this.#keyHashes.clear();
  }

  deviceList(userId: UserId): Promise<StoredDeviceList | undefined> {
    return this.#read(this.#lists, userId, () => this.#accounts.deviceList(userId));
  }

  accessKeyHash(userId: UserId): Promise<Uint8Array | undefined> {
    return this.#read(this.#keyHashes, userId, () => this.#accounts.accessKeyHash(userId));
  }

  #read<Value>(readings: Map<UserId, Reading<Value>>, userId: UserId, read: () => Promise<Value>): Promise<Value> {
    const known = readings.get(userId);
    if (known !== undefined && this.#begun <= known.lastServed) return known.value;
    const reading = { value: read(), lastServed: this.#came };
    readings.set(userId, reading);
    return reading.value;
  }

  /** They stand in the order in which they were made, and so of what they serve: an account's is read anew only after the one before it was let go. */
  #letGo(readings: Map<UserId, Reading<unknown>>): void {
    for (const [userId, { lastServed }] of readings) {
      if (this.#begun <= lastServed) return;
      readings.delete(userId);
    }
  }
}
