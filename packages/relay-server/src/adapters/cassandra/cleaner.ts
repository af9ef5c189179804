import { setTimeout as pause } from 'node:timers/promises';
import type { DeviceId, UserId } from '../../ports/ids.ts';
import { digestOfEndedUser } from '../ended-user.ts';
import { userIdToBytes } from '../user-id-bytes.ts';
import { allDone } from './all-done.ts';
import type { CassandraDatabase } from './cassandra-database.ts';
import { unavailable } from './cassandra-failure.ts';
import type { Claims } from './claims.ts';
import type { CleanUp, CleanUpEntry, CleanUpList } from './clean-up-list.ts';
import type { DayRows } from './day-rows.ts';
import type { DeviceEraser, GoneHooks } from './device-eraser.ts';
import type { Handovers } from './handovers.ts';
import type { Heard } from './heard.ts';
import type { PrekeyRows } from './prekey-rows.ts';
import { untilDone } from './until-done.ts';
import { formerValue, type UserRow } from './user-row.ts';
import type { Users } from './users.ts';

/** What the cleaner works on. */
export interface CleanerParts {
  readonly database: CassandraDatabase;
  readonly users: Users;
  readonly handovers: Handovers;
  readonly claims: Claims;
  readonly prekeys: PrekeyRows;
  readonly eraser: DeviceEraser;
  readonly heard: Heard;
  readonly days: DayRows;
  readonly cleanUps: CleanUpList;
  readonly hooks: Partial<GoneHooks>;
  /** How long a change waits for what is cleaned up after it, in milliseconds. */
  readonly waitMs: number;
}

const some = 200;
/** What is younger is likely still under way, in milliseconds. Nothing breaks if it is not: it is tried anew. */
const graceMs = 60_000;

/** Carries out what was written down to be cleaned up. Any node may, and several at once: each step is harmless when it was done before. */
export class Cleaner {
  readonly #parts: CleanerParts;

  constructor(parts: CleanerParts) {
    this.#parts = parts;
  }

  /** Cleans up after a change that has just been made. A failure is left to the next sweep: the change stands. What takes long goes on by itself. */
  async soon(entry: CleanUpEntry): Promise<void> {
    const waiting = new AbortController();
    // What fails stays on the list.
    const done = this.#carryOut(entry).catch(() => undefined);
    await Promise.race([done, pause(this.#parts.waitMs, undefined, { signal: waiting.signal }).catch(() => undefined)]);
    waiting.abort();
  }

  /** Cleans up what has been left for a minute or longer. */
  async sweep(now: number): Promise<void> {
    const { cleanUps } = this.#parts;
    const end = now - graceMs;
    const failures: unknown[] = [];
    for (const entry of await cleanUps.before(end, some)) {
      await this.#carryOut(entry).catch((error: unknown) => failures.push(error));
    }
    // One that fails does not keep the others from being cleaned up.
    if (failures.length > 0) throw failures[0];
    await cleanUps.dropEmpty(end);
  }

  async #carryOut({ at, what }: CleanUpEntry): Promise<void> {
    await this.#do(what);
    await this.#parts.cleanUps.remove({ at, what });
  }

  #do(what: CleanUp): Promise<void> {
    switch (what.kind) {
      case 'handover':
        return this.#parts.handovers.finish(what.id);
      case 'user':
        return this.#endUser(what.userId);
      case 'list':
        return this.#cleanList(what);
    }
  }

  async #endUser(userId: UserId): Promise<void> {
    const { database, users, claims, eraser, heard, days, hooks } = this.#parts;
    const row = await users.settled(userId);
    if (row?.state !== 'ended') return;
    const reason = row.endReason ?? 'replaced';
    const gone = [
      ...[...row.devices].map(([deviceId, { incarnation }]) => ({ deviceId, incarnation, reason })),
      ...[...row.former].map(([incarnation, former]) => ({ ...former, incarnation })),
    ];
    // Whatever fails of it: the others are gone all the same, and nobody is a member any more.
    await allDone([
      hooks.userGone?.(userId, { reason, at: row.endedAt ?? 0, numberMac: row.numberMac }),
      ...gone.map(({ deviceId, incarnation, reason: why }) =>
        eraser.erase({ userId, deviceId: deviceId as DeviceId }, incarnation, why),
      ),
    ]);
    await claims.dropOf(userId, row.idempotencyKey);
    await heard.forget(userId);
    await days.forget(row.daysKey);
    await database.write('INSERT INTO ended_user (digest) VALUES (?)', [digestOfEndedUser(userIdToBytes(userId))]);
    const removal = await database.conditional('DELETE FROM user WHERE id = ? IF state = ?', [userId, 'ended']);
    if (removal.status === 'unknown') throw unavailable(removal.cause);
  }

  async #cleanList({ userId, stamp, devices, epochs, daysKeys, claim }: CleanUp & { kind: 'list' }): Promise<void> {
    const { users, claims, eraser, prekeys, days } = this.#parts;
    const row = await untilDone(async (): Promise<UserRow | undefined | 'outrun'> => {
      const found = await users.settled(userId);
      if (found?.stamp !== stamp) return found;
      // The change may be under way still: from now on it can't be made any more, and is tried anew by who makes it.
      await users.change(found, {});
      return 'outrun';
    });
    for (const { deviceId, incarnation } of devices) {
      if (row?.devices.get(deviceId)?.incarnation === incarnation) {
        for (const epoch of epochs) if (epoch !== row.keyEpoch) await prekeys.dropEpoch({ incarnation, epoch });
        continue;
      }
      const reason = row?.former.get(incarnation)?.reason;
      const device = { userId, deviceId: deviceId as DeviceId };
      if (reason === undefined) await eraser.discard(incarnation);
      else await eraser.erase(device, incarnation, reason);
      for (const daysKey of daysKeys) await days.forget(daysKey, incarnation);
    }
    for (const daysKey of daysKeys) if (daysKey !== row?.daysKey) await days.forget(daysKey);
    if (claim !== undefined) {
      const [before, key] = [Buffer.from(claim.before, 'hex'), Buffer.from(claim.key, 'hex')];
      const current = row?.idempotencyKey ?? new Uint8Array();
      if (!before.equals(current)) await claims.dropOf(userId, before);
      if (!key.equals(current)) await claims.drop(key, claim.attempt);
    }
    await untilDone(() => this.#forget(userId, new Set(devices.map(({ incarnation }) => incarnation))));
  }

  /** Takes erased incarnations out of the row of their account. */
  async #forget(userId: UserId, incarnations: ReadonlySet<string>): Promise<'done' | 'outrun'> {
    const { users } = this.#parts;
    const row = await users.settled(userId);
    if (row === undefined) return 'done';
    const former = new Map([...row.former].filter(([incarnation]) => !incarnations.has(incarnation)));
    if (former.size === row.former.size) return 'done';
    return (await users.change(row, { former: formerValue(former) })) ? 'done' : 'outrun';
  }
}
