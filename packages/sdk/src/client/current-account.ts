import { stayingAccount, usableAccount } from '../accounts/standing.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Store } from '../ports/store.ts';
import type { EndReason } from '../transport/connection-state.ts';

/** The account of this store, in memory: what never changes while it lasts (ids, keys) is read from here. */
export class CurrentAccount {
  readonly #store: Store;
  #record: AccountRecord | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Reads it again, after it was changed. */
  async load(): Promise<AccountRecord | undefined> {
    this.#record = await this.#store.get('account', {});
    return this.#record;
  }

  /**
   * @throws {SottoError} `not-registered`, `session-ended`
   */
  get(): AccountRecord {
    return usableAccount(this.#record);
  }

  /**
   * The account, for what its owner wants to do with it: not while it is being deleted.
   * @throws {SottoError} `not-registered`, `session-ended`
   */
  staying(): AccountRecord {
    return stayingAccount(this.#record);
  }

  /** Whether there is one that can be used. */
  get usable(): boolean {
    return this.#record !== undefined && !this.#record.ended && !this.leaving;
  }

  /** Whether there was one, and it is not this device's any more. */
  get ended(): boolean {
    return this.#record?.ended === true;
  }

  /** Why it is over, or is being deleted: as the error of whoever wants something of it says. */
  get endReason(): EndReason | undefined {
    if (this.ended) return this.#record?.endReason ?? 'session-ended';
    return this.leaving ? 'account-deleted' : undefined;
  }

  /** Whether its end was begun, and not finished. */
  get leaving(): boolean {
    return this.#record?.deletion !== undefined;
  }
}
