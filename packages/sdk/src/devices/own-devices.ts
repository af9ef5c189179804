import { IdentityKeyPair } from '#libsignal';
import { rootKeyOf } from '../accounts/recovery-key.ts';
import { rootSecretOf, stayingAccount } from '../accounts/standing.ts';
import type { Executor } from '../crypto/executor.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Clock } from '../ports/clock.ts';
import type { ListIntentRecord } from '../ports/device-records.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { UserId } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { StoreQueries } from '../ports/store.ts';
import type { Tracer } from '../ports/tracer.ts';
import { PrekeyIds } from '../prekeys/prekey-id.ts';
import { firstPrekeys, fullUploadOf, makePrekeys } from '../prekeys/prekey-material.ts';
import { SottoError } from '../sotto-error.ts';
import { storeDeviceList } from '../transport/device-calls.ts';
import type { AuthorizedClient, CallOptions } from '../transport/http-client.ts';
import { acceptDeviceList } from './accept-device-list.ts';
import { type CheckedDeviceList, type ListedDevice, signDeviceList, verifyDeviceList } from './device-list.ts';
import { resealDeviceName } from './device-name.ts';
import { tellingForks } from './named-list.ts';
import { nextList } from './next-list.ts';
import { preparedPrekeys, type TakenOver, takeOverOwnList } from './own-list.ts';
import { sealIdentity } from './sealed-identity.ts';

/** What `OwnDevices` works with. */
export interface OwnDevicesParts {
  readonly executor: Executor;
  readonly queries: StoreQueries;
  readonly http: AuthorizedClient;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly sha256: Sha256;
  readonly logger: Logger;
  readonly tracer: Tracer;
  /** Asks the relay for somebody's device list, and accepts it as that of any other. */
  readonly learnDevices: (userId: UserId) => Promise<void>;
  /** The account is another one now: what keeps it in memory looks again. */
  readonly onAccount: () => Promise<void>;
  /** The list has changed, and what follows from it is in the store. */
  readonly onTakenOver: (change: TakenOver) => void;
}

/** What the next list is to be, made from the one before. */
export interface ListChange {
  readonly devices: readonly ListedDevice[];
  /** A device is taken off: another identity key takes the place of the one that it knows, and another profile key is made in the same commit. */
  readonly newIdentity: boolean;
}

/** Gives what is to be, from the list before and the account as they are when it is signed. Called again on a later list. */
export type NextDevices = (before: CheckedDeviceList, account: AccountRecord) => ListChange;

/** How often a change is made anew when the list was changed by something else meanwhile. */
const mostRounds = 4;
/** A new device that has not registered itself by then never will: its code is long void. */
const linkEndsAfter = 15 * 60_000;
/** How long after the relay has given the own list it is not asked for it again for the same reason. */
const askedFor = 60_000;

/**
 * The own device list, as this device has it and, on the primary device, as it is to be.
 *
 * What the primary signs is committed before the relay is asked, and asked with until there is an answer: a crash at any step is mended by `settle`. A list that the relay shows counts only when the root key has signed it, and never when it is older than one that was seen here.
 */
export class OwnDevices {
  readonly #parts: OwnDevicesParts;
  #working: Promise<unknown> = Promise.resolve();
  readonly #askedAt = { due: 0, named: 0 };

  constructor(parts: OwnDevicesParts) {
    this.#parts = parts;
  }

  /**
   * The relay says that another device has changed the own list.
   * @throws {SottoError} `device-list-invalid`, `device-list-forked`: it is passed over; and what the store throws
   */
  async changed(signed: Uint8Array): Promise<void> {
    await this.#accept(signed);
    await this.takeOver();
  }

  /**
   * Brings what was begun to its end, and looks whether the list has changed, where it can have: all that is due when a connection has caught up.
   * @param because what makes it be asked for: `named` when somebody has named a later version, who may lie
   * @throws {SottoError} as AuthorizedClient, and what the store throws
   */
  async settle(options: CallOptions = {}, because: 'due' | 'named' = 'due'): Promise<void> {
    await this.#alone(async () => {
      await this.#settleIntent(options);
      const { account, intent, known } = await this.#state();
      if (account === undefined || account.ended || account.deletion !== undefined) return;
      const devices =
        known === undefined ? 1 : verifyDeviceList(known, account.userId, this.#parts.sha256).devices.length;
      const mayHaveChanged = account.rootSecret === undefined || intent !== undefined || devices > 1;
      const now = this.#parts.clock.now();
      const askedAt = this.#askedAt[because];
      if (!mayHaveChanged || (askedAt <= now && now < askedAt + askedFor)) return;
      await this.#parts.learnDevices(account.userId);
      this.#askedAt[because] = now;
    });
    await this.takeOver();
  }

  /** Lets the account be as the list says that is accepted here: in the store, then for whoever asked to be told. */
  async takeOver(): Promise<void> {
    const { executor, queries, randomness, sha256, clock, logger, onAccount, onTakenOver } = this.#parts;
    const taken = await executor.run(
      ['account', 'prekeys'],
      (overlay) => takeOverOwnList(overlay, { queries, randomness, sha256, now: clock.now() }),
      { after: 'device-list.taken-over', alone: true },
    );
    if (taken.identity === 'missing') logger.error('devices.identity-missing');
    if (!taken.changed && taken.identity !== 'replaced') return;
    await onAccount();
    if (taken.revoked) logger.info('devices.revoked');
    else onTakenOver(taken);
  }

  /**
   * Finishes what was begun, if something was: asks nothing otherwise.
   * @throws {SottoError} as AuthorizedClient, and what the store throws
   */
  async finish(options: CallOptions = {}): Promise<void> {
    await this.#alone(() => this.#settleIntent(options));
  }

  /**
   * Changes the list, on the primary device: signs the next one, has the relay store it, and takes it over here.
   * @param make gives what is to be; it may be called again, on a later list
   * @throws {SottoError} `primary-only`, `not-registered`, `session-ended`, what `make` throws, and as AuthorizedClient: then it may be stored yet, and `settle` finds out
   */
  async change(make: NextDevices, options: CallOptions = {}): Promise<void> {
    await this.#alone(async () => {
      for (let round = 1; ; round++) {
        await this.#settleIntent(options);
        const intent = await this.#commitIntent(make);
        try {
          await this.#store(intent, options);
          return;
        } catch (error) {
          if (!isOvertaken(error) || round >= mostRounds) throw error;
        }
      }
    });
    await this.takeOver();
  }

  /**
   * Signs the next list for a device that is to come, which has it stored by the relay itself.
   * @param give hands the signed list on
   * @throws {SottoError} as `change`, and what `give` throws: then the list is not to be
   */
  async invite(
    make: NextDevices,
    give: (signed: Uint8Array, account: AccountRecord) => Promise<void>,
    options: CallOptions = {},
  ): Promise<void> {
    await this.#alone(async () => {
      await this.#settleIntent(options);
      const intent = await this.#commitIntent(make);
      try {
        const { account } = await this.list();
        await give(intent.signed, account);
      } catch (error) {
        // Whether it was left may not be known: a device that has it is waited for.
        if (isRefusal(error)) await this.#drop(intent);
        throw error;
      }
    });
  }

  /** The list as this device has it. @throws {SottoError} `not-registered`, `session-ended` */
  list(): Promise<{ readonly account: AccountRecord; readonly list: CheckedDeviceList }> {
    return this.#parts.executor.run([], async (overlay) => {
      const account = stayingAccount(await overlay.get('account', {}));
      return { account, list: verifyDeviceList(account.deviceList, account.userId, this.#parts.sha256) };
    });
  }

  /** One change after the other: two lists of one version must not be signed side by side. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#working.then(work, work);
    this.#working = result;
    return result;
  }

  #state() {
    return this.#parts.executor.run([], async (overlay) => {
      const account = await overlay.get('account', {});
      const intent = await overlay.get('listIntent', {});
      const known = account && (await overlay.get('deviceList', { userId: account.userId }))?.signed;
      return { account, intent, known };
    });
  }

  /** What was begun before: a new device is waited for, everything else asked for again. */
  async #settleIntent(options: CallOptions): Promise<void> {
    const { sha256, clock, learnDevices } = this.#parts;
    const { account, intent } = await this.#state();
    if (account === undefined || account.ended || intent === undefined) return;
    const before = verifyDeviceList(account.deviceList, account.userId, sha256);
    const next = verifyDeviceList(intent.signed, account.userId, sha256);
    const awaits = next.devices.some(({ deviceId }) => !before.devices.some((known) => known.deviceId === deviceId));
    if (awaits) {
      await learnDevices(account.userId);
      if (intent.createdAt + linkEndsAfter < clock.now()) await this.#drop(intent);
    } else {
      await this.#store(intent, options).catch((error: unknown) => {
        if (!isOvertaken(error)) throw error;
      });
    }
    await this.takeOver();
  }

  #commitIntent(make: NextDevices): Promise<ListIntentRecord> {
    const { executor, queries, clock, randomness, sha256 } = this.#parts;
    return executor.run(
      ['account', 'prekeys'],
      async (overlay) => {
        const account = stayingAccount(await overlay.get('account', {}));
        const rootKey = rootKeyOf(rootSecretOf(account));
        const before = verifyDeviceList(account.deviceList, account.userId, sha256);
        const { devices, newIdentity } = make(before, account);
        const createdAt = clock.now();
        const pair = newIdentity ? IdentityKeyPair.generate() : undefined;
        const identityKeyPair = pair?.serialize();
        const named = identityKeyPair ? this.#renewed(overlay, devices, account, identityKeyPair) : devices;
        const change = { devices: named, createdAt, ...(pair && { identityKey: pair.publicKey.serialize() }) };
        const signed = signDeviceList(nextList(before, change), rootKey);
        if (identityKeyPair !== undefined) {
          const ids = new PrekeyIds(randomness, await queries.prekeys());
          const prekeys = makePrekeys(firstPrekeys, { identityKeyPair, ids, now: createdAt });
          for (const prekey of prekeys) overlay.put('prekey', prekey);
        }
        const intent = { signed, identityKeyPair, createdAt };
        overlay.put('listIntent', intent);
        return intent;
      },
      { after: 'device-list.committed', alone: true },
    );
  }

  /** For a list without somebody who knew them: a new profile key waits, as after a block (`ProfileKeyRotation`), the names are under it, and the new identity key is sealed for those who stay. */
  #renewed(
    overlay: Overlay,
    devices: readonly ListedDevice[],
    account: AccountRecord,
    identityKeyPair: Uint8Array,
  ): readonly ListedDevice[] {
    const { randomness } = this.#parts;
    // One that waits already was told to nobody yet.
    const to = account.nextProfileKey ?? randomness.bytes(32);
    overlay.put('account', { ...account, nextProfileKey: to });
    return devices.map((device) => {
      const sealedName = resealDeviceName(device.sealedName, { from: account.profileKey, to }, randomness);
      const renamed = sealedName === undefined ? device : { ...device, sealedName };
      return withIdentity(renamed, identityKeyPair);
    });
  }

  /** Has the relay store it. When another list was stored before, that one is accepted, and this one is not to be. */
  async #store(intent: ListIntentRecord, options: CallOptions): Promise<void> {
    const { http, queries, tracer, learnDevices } = this.#parts;
    const { identityKeyPair: pair, signed } = intent;
    const prekeys = pair && fullUploadOf(preparedPrekeys(await queries.prekeys(), pair));
    try {
      await storeDeviceList(http, signed, prekeys, options);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await this.#drop(intent);
      const { account } = await this.#state();
      if (isOvertaken(error) && account !== undefined) {
        await learnDevices(account.userId);
        await this.takeOver();
      }
      throw error;
    }
    tracer.reached('device-list.answered');
    await this.#accept(signed);
  }

  /** It is not to be: with it go the prekeys that were made for it. */
  async #drop(intent: ListIntentRecord): Promise<void> {
    const { executor, queries } = this.#parts;
    await executor.run(
      ['account', 'prekeys'],
      async (overlay) => {
        const known = await overlay.get('listIntent', {});
        if (known === undefined || !sameBytes(known.signed, intent.signed)) return;
        overlay.delete('listIntent', {});
        const { identityKeyPair } = intent;
        if (identityKeyPair === undefined) return;
        for (const prekey of preparedPrekeys(await queries.prekeys(), identityKeyPair))
          overlay.delete('prekey', prekey);
      },
      { alone: true },
    );
  }

  /** As that of any other: under the root key that is known, never an older one, never one that an own device contradicts. */
  async #accept(signed: Uint8Array): Promise<void> {
    const { executor, sha256 } = this.#parts;
    const { account } = await this.#state();
    if (account === undefined || account.ended) return;
    const { userId } = account;
    const accept = (overlay: Overlay) => acceptDeviceList(overlay, signed, userId, sha256);
    await tellingForks(executor, userId, () => executor.run([`peer:${userId}`], accept));
  }
}

/** For the device itself, too: what waits to be taken over is not lost when another list follows meanwhile. */
function withIdentity(device: ListedDevice, identityKeyPair: Uint8Array): ListedDevice {
  return { ...device, sealedIdentity: sealIdentity(identityKeyPair, device) };
}

function isOvertaken(error: unknown): error is SottoError {
  return error instanceof SottoError && error.relayCode === 'devices-changed';
}

/** Whether the relay has said that it will not store it, however often it is asked. */
function isRefusal(error: unknown): error is SottoError {
  if (!(error instanceof SottoError) || error.retryable || error.relayCode === undefined) return false;
  return error.relayCode !== 'token-invalid' && error.code !== 'session-ended';
}
