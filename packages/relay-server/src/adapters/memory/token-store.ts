import type { DeviceAddress } from '../../ports/ids.ts';
import type { MailDevice } from '../../ports/mailbox.ts';
import type { RotationOutcome, Session, TokenRotation, TokenStore } from '../../ports/token-store.ts';
import { endedTokenRetentionMs, replacedTokenRetentionMs } from '../retention.ts';
import { byteKey } from './byte-key.ts';
import { deviceKey, forgetTokens, incarnationOf, type MemoryState } from './memory-state.ts';

/** Token hashes in memory. */
export class MemoryTokenStore implements TokenStore {
  readonly #state: MemoryState;

  constructor(state: MemoryState) {
    this.#state = state;
  }

  async grant(device: DeviceAddress, access: Uint8Array, expiresAt: number): Promise<void> {
    const key = deviceKey(device);
    for (const record of this.#state.refreshTokens.values()) {
      if (deviceKey(record.device) !== key) continue;
      this.#state.accessTokens.set(byteKey(access), { device, expiresAt });
      return;
    }
  }

  async session(access: Uint8Array, now: number): Promise<Session | undefined> {
    const session = this.#state.accessTokens.get(byteKey(access));
    if (session === undefined || now >= session.expiresAt) return undefined;
    return { ...session, incarnation: incarnationOf(this.#state, session.device) };
  }

  async rotate(rotation: TokenRotation): Promise<RotationOutcome> {
    const { refreshTokens, accessTokens, endedTokens } = this.#state;
    const record = refreshTokens.get(byteKey(rotation.refresh));
    if (record === undefined) {
      const end = endedTokens.get(byteKey(rotation.refresh));
      return end === undefined ? { status: 'unknown' } : { status: 'ended', reason: end.reason };
    }
    const { device } = record;
    const nextKey = byteKey(rotation.next);
    const next = refreshTokens.get(nextKey);
    const session = { device, expiresAt: rotation.accessExpiresAt };
    if (record.successor === undefined) {
      if (next !== undefined) return { status: 'unknown' };
      record.successor = nextKey;
      record.replacedAt = rotation.now;
      refreshTokens.set(nextKey, { device, successor: undefined, replacedAt: undefined });
      accessTokens.set(byteKey(rotation.access), session);
      const account = this.#state.accounts.get(device.userId);
      if (account !== undefined) account.heardAt = Math.max(account.heardAt, rotation.now);
      return { status: 'rotated', device };
    }
    if (record.successor !== nextKey) {
      forgetTokens(this.#state, device);
      return { status: 'reused', device };
    }
    // A pair of long ago opens nothing: an old backup holds both of its tokens.
    if (next === undefined || next.successor !== undefined) return { status: 'unknown' };
    accessTokens.set(byteKey(rotation.access), session);
    return { status: 'repeated', device };
  }

  async hasSession(device: MailDevice): Promise<boolean> {
    const { refreshTokens } = this.#state;
    const { incarnation } = device;
    if (![...refreshTokens.values()].some((record) => deviceKey(record.device) === deviceKey(device))) return false;
    return incarnation === undefined || incarnation === incarnationOf(this.#state, device);
  }

  async revoke(device: DeviceAddress): Promise<void> {
    forgetTokens(this.#state, device);
  }

  async sweep(now: number): Promise<number> {
    let swept = 0;
    for (const [token, session] of this.#state.accessTokens) {
      if (session.expiresAt < now && this.#state.accessTokens.delete(token)) swept++;
    }
    for (const [token, record] of this.#state.refreshTokens) {
      const { replacedAt } = record;
      if (replacedAt !== undefined && replacedAt < now - replacedTokenRetentionMs)
        this.#state.refreshTokens.delete(token);
    }
    for (const [token, end] of this.#state.endedTokens) {
      end.foundAt ??= now;
      if (end.foundAt < now - endedTokenRetentionMs) this.#state.endedTokens.delete(token);
    }
    return swept;
  }
}
