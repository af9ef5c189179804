import type {
  AccountControl,
  AccountEnding,
  AccountRemains,
  AccountStanding,
  MoveOutcome,
  NumberMove,
} from '../../ports/account-control.ts';
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
    if (holder !== undefined) endAccount(state, holder, lock.now);
    state.userByNumber.delete(account.numberKey);
    state.userByNumber.set(numberKey, userId);
    account.numberKey = numberKey;
    account.numberCiphertext = numberCiphertext;
    return { status: 'moved', replaced: holder };
  }

  async end({ userId, receipt, now }: AccountEnding): Promise<'ended' | 'unknown'> {
    const account = this.#state.accounts.get(userId);
    if (account === undefined) return 'unknown';
    endAccount(this.#state, userId, now);
    this.#state.deletionReceipts.add(byteKey(receipt));
    for (const [id, { verification }] of this.#state.verifications) {
      if (byteKey(verification.numberMac) === account.numberKey) this.#state.verifications.delete(id);
    }
    return 'ended';
  }

  async hasEnded(receipt: Uint8Array): Promise<boolean> {
    return this.#state.deletionReceipts.has(byteKey(receipt));
  }

  async remains(): Promise<readonly AccountRemains[]> {
    return [...this.#state.unswept]
      .map(([userId, endedAt]) => ({ userId, endedAt }))
      .sort((one, other) => one.endedAt - other.endedAt)
      .slice(0, 256);
  }

  async swept(userIds: readonly UserId[]): Promise<void> {
    for (const userId of userIds) this.#state.unswept.delete(userId);
  }
}
