import type { AccountControl, AccountStanding, MoveOutcome, NumberMove } from '../../ports/account-control.ts';
import type { UserId } from '../../ports/ids.ts';
import type { RegistrationLock } from '../../ports/registration-lock.ts';
import { byteKey } from './byte-key.ts';
import { endAccount, type MemoryState, tryLock } from './memory-state.ts';

/** Accounts in memory, as their owners handle them. */
export class MemoryAccountControl implements AccountControl {
  readonly #state: MemoryState;

  constructor(state: MemoryState) {
    this.#state = state;
  }

  async standing(userId: UserId): Promise<AccountStanding | undefined> {
    const account = this.#state.accounts.get(userId);
    return account && { numberCiphertext: account.numberCiphertext, isLocked: account.lock !== undefined };
  }

  async putLock(userId: UserId, lock: RegistrationLock | undefined, now: number): Promise<'stored' | 'unknown'> {
    const account = this.#state.accounts.get(userId);
    if (account === undefined) return 'unknown';
    account.lock = lock && { ...lock, tries: 0, waitUntil: 0 };
    account.heardAt = Math.max(account.heardAt, now);
    return 'stored';
  }

  async moveNumber({ userId, numberMac, numberCiphertext, lock }: NumberMove): Promise<MoveOutcome> {
    const state = this.#state;
    const account = state.accounts.get(userId);
    if (account === undefined) return { status: 'unknown' };
    const numberKey = byteKey(numberMac);
    const holder = state.userByNumber.get(numberKey);
    if (holder === userId) return { status: 'moved', replaced: undefined };
    const refusal = tryLock(holder === undefined ? undefined : state.accounts.get(holder), lock);
    if (refusal !== undefined) return { status: 'locked', refusal };
    if (holder !== undefined) endAccount(state, holder);
    state.userByNumber.delete(account.numberKey);
    state.userByNumber.set(numberKey, userId);
    account.numberKey = numberKey;
    account.numberCiphertext = numberCiphertext;
    return { status: 'moved', replaced: holder };
  }

  async end(userId: UserId): Promise<'ended' | 'unknown'> {
    const account = this.#state.accounts.get(userId);
    if (account === undefined) return 'unknown';
    endAccount(this.#state, userId);
    for (const [id, { verification }] of this.#state.verifications) {
      if (byteKey(verification.numberMac) === account.numberKey) this.#state.verifications.delete(id);
    }
    return 'ended';
  }
}
