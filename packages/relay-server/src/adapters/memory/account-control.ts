import type {
  AccountControl,
  AccountEnding,
  AccountRemains,
  AccountStanding,
  LockChange,
  MoveOutcome,
  NumberMove,
  ProvenOwner,
} from '../../ports/account-control.ts';
import type { UserId } from '../../ports/ids.ts';
import { byteKey } from './byte-key.ts';
import { type AccountRecord, endAccount, type MemoryState, tryLock } from './memory-state.ts';

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

  async putLock({ lock, now, ...owner }: LockChange): Promise<'stored' | 'changed' | 'unknown'> {
    const account = this.#accountOf(owner);
    if (typeof account === 'string') return account;
    account.lock = lock && { ...lock, tries: 0, waitUntil: 0 };
    account.heardAt = Math.max(account.heardAt, now);
    return 'stored';
  }

  async moveNumber({ numberMac, numberCiphertext, lock, ...owner }: NumberMove): Promise<MoveOutcome> {
    const state = this.#state;
    const { userId } = owner;
    const account = this.#accountOf(owner);
    if (typeof account === 'string') return { status: account };
    const numberKey = byteKey(numberMac);
    const holder = state.userByNumber.get(numberKey);
    if (holder === userId) return { status: 'moved', replaced: undefined };
    const refusal = tryLock(holder === undefined ? undefined : state.accounts.get(holder), lock);
    if (refusal !== undefined) return { status: 'locked', refusal };
    if (holder !== undefined) endAccount(state, holder, 'replaced', lock.now);
    state.userByNumber.delete(account.numberKey);
    state.userByNumber.set(numberKey, userId);
    account.numberKey = numberKey;
    account.numberCiphertext = numberCiphertext;
    return { status: 'moved', replaced: holder };
  }

  async end({ receipt, now, ...owner }: AccountEnding): Promise<'ended' | 'changed' | 'unknown'> {
    const account = this.#accountOf(owner);
    if (typeof account === 'string') return account;
    endAccount(this.#state, owner.userId, 'deleted', now);
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

  /** The account, if it still has the list over which its owner asks. */
  #accountOf({ userId, listHash }: ProvenOwner): AccountRecord | 'changed' | 'unknown' {
    const account = this.#state.accounts.get(userId);
    if (account === undefined) return 'unknown';
    return byteKey(account.deviceList.hash) === byteKey(listHash) ? account : 'changed';
  }
}
