import { SharedReads } from '../platform/shared-reads.ts';
import type { AccountStore, PrekeyRenewal, StoredDeviceList } from '../ports/account-store.ts';
import type { UserId } from '../ports/ids.ts';
import { RelayError } from '../relay-error.ts';
import { type CheckedDeviceList, checkFollows } from './device-list.ts';
import { outdatedList } from './outdated-list.ts';

/** The most lists that a relay of one process keeps in memory. */
const mostOfOne = 100_000;

/**
 * Device lists and access key hashes by account, kept in memory, since every Send needs one: as long as all changes of them go through here.
 *
 * Where other nodes change them too, nothing may be kept: what is old by a moment would pass over a device that was just linked, write to one that was taken off, or let somebody in who was just blocked.
 */
export class Directory {
  readonly #accounts: AccountStore;
  readonly #mostKept: number;
  readonly #lists: SharedReads<UserId, StoredDeviceList | undefined>;
  readonly #keyHashes: SharedReads<UserId, Uint8Array | undefined>;
  readonly #cache = new Map<UserId, StoredDeviceList>();
  /** `undefined` for those without one. */
  readonly #accessKeys = new Map<UserId, Uint8Array | undefined>();

  /** `mostKept`: lists that are kept; 0 where others change them. */
  constructor(accounts: AccountStore, mostKept = mostOfOne) {
    this.#accounts = accounts;
    this.#mostKept = mostKept;
    this.#lists = new SharedReads((userId) => accounts.deviceList(userId));
    this.#keyHashes = new SharedReads((userId) => accounts.accessKeyHash(userId));
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
    const list = await this.#lists.read(userId);
    if (list !== undefined && generation === this.#generation) this.#remember(this.#cache, userId, list);
    return list;
  }

  /** The list as it is stored, whatever is in memory: a change that is durable counts before it is known here. */
  stored(userId: UserId): Promise<StoredDeviceList | undefined> {
    return this.#accounts.deviceList(userId);
  }

  /** The list as it is now. Nothing is kept for it: many connect to whom nobody writes. */
  async peek(userId: UserId): Promise<StoredDeviceList | undefined> {
    return this.#cache.get(userId) ?? (await this.#accounts.deviceList(userId));
  }

  /** The hash of `accessKeyHash` if it is in memory, without waiting; `none` when it is known that there is none. */
  cachedAccessKeyHash(userId: UserId): Uint8Array | 'none' | undefined {
    const hash = this.#accessKeys.get(userId);
    return hash ?? (this.#accessKeys.has(userId) ? 'none' : undefined);
  }

  /** SHA-256 of the account's access key, from memory when it is there; `undefined` when it has none. */
  async accessKeyHash(userId: UserId): Promise<Uint8Array | undefined> {
    if (this.#accessKeys.has(userId)) return this.#accessKeys.get(userId);
    const generation = this.#generation;
    const hash = await this.#keyHashes.read(userId);
    if (generation === this.#generation) this.#remember(this.#accessKeys, userId, hash);
    return hash;
  }

  /**
   * Stores the next version of an account's list, with the prekeys that come with a new identity key; the very list that is stored already is success.
   * @throws {RelayError} `devices-changed` with the list as it is, `device-list-invalid`, `user-unknown`, `prekey-conflict`
   */
  async replace(userId: UserId, next: CheckedDeviceList, renewal?: PrekeyRenewal): Promise<StoredDeviceList> {
    const before = await this.#accounts.deviceList(userId);
    if (before === undefined) throw unknownUser();
    checkFollows(before, next, userId);
    if (Buffer.compare(before.signed, next.stored.signed) === 0) return before;
    const outcome =
      next.stored.version === before.version + 1
        ? await this.#accounts.replaceDeviceList(userId, next.stored, renewal)
        : 'conflict';
    this.forget(userId);
    if (outcome === 'unknown') throw unknownUser();
    if (outcome === 'conflict') {
      throw outdatedList(await this.#accounts.deviceList(userId));
    }
    return next.stored;
  }

  /** The account's list or access key has changed, or it has ended. */
  forget(userId: UserId): void {
    this.#generation++;
    this.#cache.delete(userId);
    this.#accessKeys.delete(userId);
  }

  /** Changes with every `forget`, so that a list read before it is not kept after it. */
  #generation = 0;

  #remember<T>(cache: Map<UserId, T>, userId: UserId, value: T): void {
    if (this.#mostKept === 0) return;
    if (cache.size >= this.#mostKept) {
      for (const oldest of cache.keys()) {
        cache.delete(oldest);
        break;
      }
    }
    cache.set(userId, value);
  }
}

/** No account has this id. */
export function unknownUser(): RelayError {
  return new RelayError('user-unknown', 'No account has this id (any more).');
}
