import type {
  AccountStore,
  NewAccount,
  PrekeyRenewal,
  RegistrationOutcome,
  StoredDeviceList,
} from '../../ports/account-store.ts';
import type { DeviceAddress, UserId } from '../../ports/ids.ts';
import { RelayError } from '../../relay-error.ts';
import { fitsRenewal, inOrder, listWithStandings, renewPrekeys, replaceList } from './account-list.ts';
import { byteKey } from './byte-key.ts';
import { deviceKey, devicesOf, endAccount, forgetDevice, isGone, type MemoryState, tryLock } from './memory-state.ts';
import { noPrekeys, storePrekeys } from './prekey-store.ts';

/** Accounts in memory. */
export class MemoryAccountStore implements AccountStore {
  readonly #state: MemoryState;

  constructor(state: MemoryState) {
    this.#state = state;
  }

  async register(account: NewAccount): Promise<RegistrationOutcome> {
    const state = this.#state;
    const idempotencyKey = byteKey(account.idempotencyKey);
    const requestHash = byteKey(account.requestHash);
    const earlier = state.userByRegistration.get(idempotencyKey);
    if (earlier !== undefined) {
      const same = state.accounts.get(earlier)?.requestHash === requestHash;
      return { status: same ? 'repeated' : 'idempotency-mismatch' };
    }
    const numberKey = byteKey(account.numberMac);
    const holder = state.userByNumber.get(numberKey);
    const held = holder === undefined ? undefined : state.accounts.get(holder);
    if (account.recovers) {
      if (held === undefined || holder !== account.userId) return { status: 'recovery-refused' };
      if (held.deviceList.version !== account.deviceList.version - 1) return { status: 'recovery-outdated' };
    } else if (state.accounts.has(account.userId) || state.endedUsers.has(account.userId)) {
      return { status: 'user-id-taken' };
    }
    const refresh = byteKey(account.refreshTokenHash);
    if (state.refreshTokens.has(refresh)) throw usedRefreshToken();
    const prekeys = noPrekeys();
    if (storePrekeys(prekeys, account.prekeys, Number.POSITIVE_INFINITY) === 'conflict') throw conflictingPrekeys();
    if (!account.recovers) {
      const refusal = tryLock(held, account.lock);
      if (refusal !== undefined) return { status: 'locked', refusal };
      if (holder !== undefined) endAccount(state, holder, 'replaced', account.createdAt);
    } else if (held !== undefined) {
      for (const device of devicesOf(account.userId, held.deviceList)) forgetDevice(state, device, 'replaced');
      state.userByRegistration.delete(held.idempotencyKey);
    }
    state.accounts.set(account.userId, {
      numberKey,
      numberCiphertext: account.numberCiphertext,
      idempotencyKey,
      requestHash,
      createdAt: held !== undefined && account.recovers ? held.createdAt : account.createdAt,
      heardAt: account.createdAt,
      lock: account.recovers && held?.lock ? { ...held.lock, tries: 0, waitUntil: 0 } : undefined,
      deviceList: inOrder(account.deviceList),
      profile: account.profile,
      accessKeyHash: account.accessKeyHash,
    });
    state.userByNumber.set(numberKey, account.userId);
    state.userByRegistration.set(idempotencyKey, account.userId);
    for (const device of devicesOf(account.userId, account.deviceList))
      state.prekeys.set(deviceKey(device), noPrekeys());
    state.prekeys.set(deviceKey(account.device), prekeys);
    state.refreshTokens.set(refresh, { device: account.device, successor: undefined, replacedAt: undefined });
    return account.recovers ? { status: 'recovered' } : { status: 'registered', replaced: holder };
  }

  async byNumbers(macs: readonly Uint8Array[]): Promise<readonly (UserId | undefined)[]> {
    return macs.map((mac) => this.#state.userByNumber.get(byteKey(mac)));
  }

  async deviceList(userId: UserId): Promise<StoredDeviceList | undefined> {
    const account = this.#state.accounts.get(userId);
    return account && listWithStandings(this.#state, userId, account.deviceList);
  }

  async replaceDeviceList(
    userId: UserId,
    list: StoredDeviceList,
    renewal?: PrekeyRenewal,
  ): Promise<'stored' | 'conflict' | 'unknown'> {
    const account = this.#state.accounts.get(userId);
    if (account === undefined) return 'unknown';
    if (account.deviceList.version !== list.version - 1) return 'conflict';
    if (renewal !== undefined && !fitsRenewal(this.#state, userId, renewal)) throw conflictingPrekeys();
    replaceList(this.#state, userId, account, list);
    if (renewal !== undefined) renewPrekeys(this.#state, userId, renewal);
    return 'stored';
  }

  async profile(userId: UserId): Promise<Uint8Array | undefined> {
    return this.#state.accounts.get(userId)?.profile;
  }

  async putProfile(
    device: DeviceAddress,
    profile: Uint8Array,
    accessKeyHash?: Uint8Array,
  ): Promise<'stored' | 'unknown'> {
    const account = this.#state.accounts.get(device.userId);
    if (account === undefined || isGone(this.#state, device)) return 'unknown';
    account.profile = profile;
    account.accessKeyHash = accessKeyHash ?? account.accessKeyHash;
    return 'stored';
  }

  async accessKeyHash(userId: UserId): Promise<Uint8Array | undefined> {
    return this.#state.accounts.get(userId)?.accessKeyHash;
  }
}

/** A registration may not bring a refresh token that the relay has seen. */
export function usedRefreshToken(): RelayError {
  return new RelayError('request-malformed', 'this refresh token has been used before: make a new random one');
}

/** A registration may not bring two keys under one id. */
export function conflictingPrekeys(): RelayError {
  return new RelayError('prekey-conflict', 'two prekeys of one kind have the same id: give each its own');
}
