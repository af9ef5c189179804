import type { DeviceAddress } from '../../ports/ids.ts';
import type { TokenEnd } from '../../ports/token-store.ts';
import { allDone } from './all-done.ts';
import type { CassandraDatabase } from './cassandra-database.ts';
import type { EndedTokens } from './ended-tokens.ts';
import type { PrekeyRows } from './prekey-rows.ts';
import type { TokenFamilies } from './token-families.ts';

/** What other adapters delete of a device that is gone, and of an account that has ended. Each may be called again for the same, also by another node. */
export interface GoneHooks {
  /** A device that was listed as this incarnation is so no more. */
  deviceGone(device: DeviceAddress, incarnation: string): Promise<void>;
  /** An account has ended: its groups, and the codes of its number when its owner ended it. */
  userGone(
    userId: DeviceAddress['userId'],
    end: { readonly reason: TokenEnd; readonly at: number; readonly numberMac: Uint8Array },
  ): Promise<void>;
}

/** Where what hangs on a device is kept. */
export interface DeviceParts {
  readonly prekeys: PrekeyRows;
  readonly families: TokenFamilies;
  readonly endedTokens: EndedTokens;
}

/** Deletes what hangs on an incarnation that no list names any more. Harmless when it is done twice, or by two nodes. */
export class DeviceEraser {
  readonly #database: CassandraDatabase;
  readonly #parts: DeviceParts;
  readonly #hooks: Partial<GoneHooks>;

  constructor(database: CassandraDatabase, parts: DeviceParts, hooks: Partial<GoneHooks>) {
    this.#database = database;
    this.#parts = parts;
    this.#hooks = hooks;
  }

  /** Erases a device that was listed, and keeps why its last refresh token ended. */
  async erase(device: DeviceAddress, incarnation: string, reason: TokenEnd): Promise<void> {
    const { current } = await this.#parts.families.last(incarnation);
    if (current !== undefined) await this.#parts.endedTokens.note(current, reason);
    // Whatever fails of it: what can be deleted is.
    await allDone([this.#hooks.deviceGone?.(device, incarnation), this.discard(incarnation)]);
  }

  /** Erases what was prepared for a device that never came to be listed. */
  async discard(incarnation: string): Promise<void> {
    const { prekeys, families } = this.#parts;
    const { joinKey } = await families.last(incarnation);
    if (joinKey !== undefined) {
      await this.#database.write('DELETE FROM device_join WHERE idempotency_key = ? AND incarnation = ?', [
        joinKey,
        incarnation,
      ]);
    }
    await prekeys.erase(incarnation);
    await families.drop(incarnation);
  }
}
