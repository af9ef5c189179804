import type { AccountStore, StoredDeviceList } from '../ports/account-store.ts';
import type { UserId } from '../ports/ids.ts';
import { RelayError } from '../relay-error.ts';
import { type CheckedDeviceList, checkFollows } from './device-list.ts';

/** The most lists that are kept in memory. */
const mostCached = 100_000;

/**
 * Device lists by account, kept in memory, since every Send needs one.
 *
 * For relays of one process: all changes of lists go through here.
 */
export class Directory {
  readonly #accounts: AccountStore;
  readonly #cache = new Map<UserId, StoredDeviceList>();

  constructor(accounts: AccountStore) {
    this.#accounts = accounts;
  }

  /** The list if it is in memory, without waiting. */
  cached(userId: UserId): StoredDeviceList | undefined {
    return this.#cache.get(userId);
  }

  /** The list as it is now; `undefined` when there is no such account. */
  async deviceList(userId: UserId): Promise<StoredDeviceList | undefined> {
    const cached = this.#cache.get(userId);
    if (cached !== undefined) return cached;
    const generation = this.#generation;
    const list = await this.#accounts.deviceList(userId);
    if (list !== undefined && generation === this.#generation) this.#remember(userId, list);
    return list;
  }

  /**
   * Stores the next version of an account's list; the very list that is stored already is success.
   * @throws {RelayError} `devices-changed` with the list as it is, `device-list-invalid`, `user-unknown`
   */
  async replace(userId: UserId, next: CheckedDeviceList): Promise<StoredDeviceList> {
    const before = await this.#accounts.deviceList(userId);
    if (before === undefined) throw unknownUser();
    checkFollows(before, next, userId);
    if (Buffer.compare(before.signed, next.stored.signed) === 0) return before;
    const outcome =
      next.stored.version === before.version + 1
        ? await this.#accounts.replaceDeviceList(userId, next.stored)
        : 'conflict';
    this.forget(userId);
    if (outcome === 'unknown') throw unknownUser();
    if (outcome === 'conflict') {
      const now = await this.#accounts.deviceList(userId);
      throw new RelayError('devices-changed', 'Another version was stored before: build on the list that is here.', {
        ...(now && { deviceList: now.signed }),
      });
    }
    return next.stored;
  }

  /** The account's list has changed or ended. */
  forget(userId: UserId): void {
    this.#generation++;
    this.#cache.delete(userId);
  }

  /** Changes with every `forget`, so that a list read before it is not kept after it. */
  #generation = 0;

  #remember(userId: UserId, list: StoredDeviceList): void {
    if (this.#cache.size >= mostCached) {
      for (const oldest of this.#cache.keys()) {
        this.#cache.delete(oldest);
        break;
      }
    }
    this.#cache.set(userId, list);
  }
}

/** No account has this id. */
export function unknownUser(): RelayError {
  return new RelayError('user-unknown', 'No account has this id (any more).');
}
