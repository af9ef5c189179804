import { randomUUID } from 'node:crypto';
import type { NewAccount, RegistrationOutcome } from '../../ports/account-store.ts';
import type { Clock } from '../../ports/clock.ts';
import type { UserId } from '../../ports/ids.ts';
import { RelayError } from '../../relay-error.ts';
import { allDone } from './all-done.ts';
import type { Claims } from './claims.ts';
import type { CleanUpEntry, CleanUpList } from './clean-up-list.ts';
import type { Cleaner } from './cleaner.ts';
import type { DeviceEraser } from './device-eraser.ts';
import type { HandoverPlan } from './handover-plan.ts';
import type { Handovers } from './handovers.ts';
import type { Heard } from './heard.ts';
import { tryLock } from './locks.ts';
import { byId, type PrekeyRows } from './prekey-rows.ts';
import type { TokenFamilies } from './token-families.ts';
import { isKnownToken, usedToken } from './token-store.ts';
import { untilDone } from './until-done.ts';
import { devicesValue, formerValue, listChange, nextDevices, type UserRow } from './user-row.ts';
import type { Users } from './users.ts';

/** What registrations work on. */
export interface RegistrationParts {
  readonly clock: Clock;
  readonly users: Users;
  readonly handovers: Handovers;
  readonly claims: Claims;
  readonly heard: Heard;
  readonly prekeys: PrekeyRows;
  readonly families: TokenFamilies;
  readonly eraser: DeviceEraser;
  readonly cleanUps: CleanUpList;
  readonly cleaner: Cleaner;
}

/**
 * How accounts come to be, and are taken back by their owners.
 *
 * A registration prepares prekeys and tokens under incarnations that nobody knows, then hands the number over (see {@link Handovers}): account, number and the end of who had it are one decision.
 * A recovery prepares likewise, and is one conditional write of the account's row. A crash before these leaves the old state and something to clean up, after them the new one.
 */
export class Registrations {
  readonly #parts: RegistrationParts;

  constructor(parts: RegistrationParts) {
    this.#parts = parts;
  }

  /** One try; `outrun` when somebody else has changed what it depends on. */
  async attempt(account: NewAccount): Promise<RegistrationOutcome | 'outrun'> {
    const earlier = await this.#earlier(account);
    if (earlier !== undefined) return earlier;
    const { users, families } = this.#parts;
    const [[holderId, holder], isTaken, isKnown] = await Promise.all([
      this.#holder(account),
      account.recovers || users.isTaken(account.userId),
      isKnownToken({ users, families }, account.refreshTokenHash),
    ]);
    // What stands in its way may be this very request, as another node carries it out: that is seen now at the latest.
    if (account.recovers) {
      if (holder?.state !== 'live' || holderId !== account.userId) {
        return (await this.#earlier(account)) ?? { status: 'recovery-refused' };
      }
      if (holder.list.version !== account.deviceList.version - 1) {
        return (await this.#earlier(account)) ?? { status: 'recovery-outdated' };
      }
    } else if (isTaken) return (await this.#earlier(account)) ?? { status: 'user-id-taken' };
    if (isKnown) {
      const repeated = await this.#earlier(account);
      if (repeated !== undefined) return repeated;
      throw usedToken();
    }
    checkSet(account);
    if (account.recovers && holder) return this.#recover(account, holder);
    const refusal = await tryLock(this.#parts, holder, account.lock);
    if (refusal === 'outrun') return 'outrun';
    if (refusal !== undefined) return { status: 'locked', refusal };
    return this.#register(account, holder);
  }

  /** What became of a request with the same key. */
  async #earlier({ idempotencyKey, requestHash }: NewAccount): Promise<RegistrationOutcome | undefined> {
    const row = await this.#parts.claims.account(idempotencyKey);
    if (row === undefined) return undefined;
    return { status: Buffer.compare(row.requestHash, requestHash) === 0 ? 'repeated' : 'idempotency-mismatch' };
  }

  async #holder({ numberMac }: NewAccount): Promise<[UserId | undefined, UserRow | undefined]> {
    const { users } = this.#parts;
    const userId = await users.holder(numberMac);
    return [userId, userId && (await users.settled(userId))];
  }

  async #register(account: NewAccount, holder: UserRow | undefined): Promise<RegistrationOutcome | 'outrun'> {
    const { clock, handovers, cleaner, eraser } = this.#parts;
    const { userId, numberMac, createdAt, deviceList } = account;
    const devices = new Map(
      deviceList.devices.map(({ deviceId, registrationId }) => [
        deviceId,
        { registrationId, incarnation: randomUUID(), isIdle: false, isKeyless: false },
      ]),
    );
    const incarnations = [...devices.values()].map(({ incarnation }) => incarnation);
    const plan: HandoverPlan = {
      begunAt: clock.now(),
      numbers: [{ mac: hex(numberMac), before: holder?.userId ?? null, after: userId }],
      coming: { userId, incarnations, claim: hex(account.idempotencyKey) },
      ...(holder && { ending: { userId: holder.userId, reason: 'replaced', at: createdAt } }),
    };
    const id = await handovers.begin(plan);
    const keyEpoch = randomUUID();
    const row = {
      number_mac: numberMac,
      number_ciphertext: account.numberCiphertext,
      ...listChange(deviceList),
      devices: devicesValue(devices),
      key_epoch: keyEpoch,
      days_key: randomUUID(),
      profile: account.profile,
      access_key_hash: account.accessKeyHash,
      idempotency_key: account.idempotencyKey,
      request_hash: account.requestHash,
      created_at: createdAt,
    };
    const isDecided = await handovers.carryOut(id, async () => {
      // What others may be quicker with comes first: they wait from then on, and nothing was prepared in vain.
      const isMarked =
        (await handovers.markNumber(id, numberMac, holder?.userId)) &&
        (holder === undefined || (await handovers.markUser(id, holder)));
      if (!isMarked) return false;
      const [isClaimed, hasCome] = await allDone([
        this.#parts.claims.take(account.idempotencyKey, id, userId),
        handovers.come(id, userId, row),
        this.#prepare(account, devices.get(account.device.deviceId)?.incarnation, keyEpoch),
      ]);
      // The account with this id may have ended, and its row gone, since it was looked for.
      return isClaimed && hasCome && !(await this.#parts.users.hasEnded(userId));
    });
    if (!isDecided) {
      // Whoever aborted it may have done so before all was prepared.
      for (const incarnation of incarnations) await eraser.discard(incarnation);
      return 'outrun';
    }
    if (holder) await cleaner.soon({ at: plan.begunAt, what: { kind: 'user', userId: holder.userId } });
    return { status: 'registered', replaced: holder?.userId };
  }

  async #recover(account: NewAccount, before: UserRow): Promise<RegistrationOutcome | 'outrun'> {
    const { users, claims, heard, cleanUps, cleaner, clock } = this.#parts;
    const { userId, deviceList, device } = account;
    const isRotated = Buffer.compare(before.list.identityKey, deviceList.identityKey) !== 0;
    const next = nextDevices(before, deviceList.devices, { isRotated, reason: 'replaced' });
    const own = next.devices.get(device.deviceId);
    const devices = own && new Map(next.devices).set(device.deviceId, { ...own, isKeyless: false });
    const attempt = randomUUID();
    const entry: CleanUpEntry = {
      at: clock.now(),
      what: {
        kind: 'list',
        userId,
        stamp: before.stamp,
        devices: [...next.gone, ...[...next.devices].map(([deviceId, { incarnation }]) => ({ deviceId, incarnation }))],
        epochs: [],
        daysKeys: [before.daysKey, next.daysKey],
        claim: { before: hex(before.idempotencyKey), key: hex(account.idempotencyKey), attempt },
      },
    };
    await cleanUps.add(entry);
    const [isClaimed] = await allDone([
      claims.take(account.idempotencyKey, attempt, userId),
      this.#prepare(account, own?.incarnation, next.keyEpoch),
      heard.note(userId, account.createdAt),
    ]);
    const isChanged =
      isClaimed &&
      (await users.change(before, {
        ...listChange(deviceList),
        devices: devicesValue(devices ?? next.devices),
        former: formerValue(next.former),
        key_epoch: next.keyEpoch,
        days_key: next.daysKey,
        profile: account.profile,
        access_key_hash: account.accessKeyHash,
        ...(before.lock && { lock_tries: 0, lock_wait_until: 0 }),
        idempotency_key: account.idempotencyKey,
        request_hash: account.requestHash,
      }));
    await cleaner.soon(entry);
    return isChanged ? { status: 'recovered' } : 'outrun';
  }

  /** Writes the first prekeys and the first refresh token of an incarnation that nobody knows yet. */
  async #prepare(account: NewAccount, incarnation: string | undefined, epoch: string): Promise<void> {
    if (incarnation === undefined) return;
    const { prekeys, families } = this.#parts;
    await allDone([
      untilDone(() => prekeys.put({ incarnation, epoch }, account.prekeys, Number.POSITIVE_INFINITY)),
      families.begin({ device: account.device, incarnation }, account.refreshTokenHash),
    ]);
  }
}

/** @throws {RelayError} `prekey-conflict` when two keys of a kind share an id */
export function checkSet({ prekeys }: Pick<NewAccount, 'prekeys'>): void {
  if (byId(prekeys.prekeys) !== undefined && byId(prekeys.kyberPrekeys) !== undefined) return;
  throw new RelayError('prekey-conflict', 'two prekeys of one kind have the same id: give each its own');
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
