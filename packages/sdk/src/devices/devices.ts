import { rootSecretOf } from '../accounts/standing.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { checkOptions, demand, given, type OptionRules, signalOnly } from '../option-rules.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { DeviceId } from '../ports/ids.ts';
import type { Randomness } from '../ports/randomness.ts';
import { SottoError } from '../sotto-error.ts';
import { type DeviceStanding, requestDevices } from '../transport/device-calls.ts';
import type { AuthorizedClient, CallOptions } from '../transport/http-client.ts';
import { putLinkMessage, requestDeviceCode } from '../transport/linking-calls.ts';
import { isConfirmed } from './confirmed.ts';
import type { CheckedDeviceList, ListedDevice } from './device-list.ts';
import { checkDeviceName, nameKeyOf, openOwnDeviceName, sealDeviceName } from './device-name.ts';
import { type LinkRequestCode, parseLink } from './link-code.ts';
import { freshDeviceId, primaryOf } from './next-list.ts';
import type { OwnDevices } from './own-devices.ts';
import { sealProvision } from './provision.ts';

/** A device of the own account. */
export interface OwnDevice {
  readonly deviceId: DeviceId;
  /** Empty when it has none. */
  readonly name: string;
  /** The first device: it alone lets others in, renames and revokes them. */
  readonly primary: boolean;
  /** This one. */
  readonly current: boolean;
  /** By the clock of the primary device, milliseconds since the Unix epoch. */
  readonly addedAt: number;
  /** The beginning of the day on which it was connected last, by the relay's clock; undefined when the relay could not be asked, or does not say. */
  readonly lastSeenAt: number | undefined;
}

/** How to let a device in. */
export interface LinkOptions {
  /** Asks the user whether this device is theirs, by the name that it gives itself: nobody else may come in by a code that was slipped to them. `true` lets it in, `false` and `undefined` don't; anything else is `argument-invalid`. */
  readonly confirm: (device: { readonly name: string }) => Promise<boolean> | boolean;
  readonly signal?: AbortSignal;
}

const linkRules: OptionRules<LinkOptions> = {
  confirm: { ...given.call, says: 'a function that asks the user, and gives true or false' },
  signal: given.signal,
};

/** What `Devices` works with. */
export interface DevicesParts {
  readonly own: OwnDevices;
  readonly http: AuthorizedClient;
  readonly randomness: Randomness;
  /** @throws {SottoError} `client-stopped` */
  readonly assertRunning: () => void;
}

/** The devices of the own account. */
export class Devices {
  readonly #parts: DevicesParts;

  constructor(parts: DevicesParts) {
    this.#parts = parts;
  }

  /**
   * All of them, the primary first.
   * @throws {SottoError} `not-registered`, `session-ended`; as AuthorizedClient, except where it may be tried again: then `lastSeenAt` is undefined
   */
  async list(options: CallOptions = {}): Promise<readonly OwnDevice[]> {
    this.#parts.assertRunning();
    checkOptions('devices.list', options, signalOnly);
    const { account, list } = await this.#parts.own.list();
    const standings = await this.#standings(options);
    const primary = primaryOf(list);
    return list.devices
      .map((device) => ownDevice(device, account, primary, standings))
      .sort((one, other) => one.deviceId - other.deviceId);
  }

  /**
   * Lets the device in that shows this code, on the primary device. Resolves when everything is left for it; `device.linked` tells when it is there.
   * @param code what was scanned
   * @returns undefined when the user said no: nothing was done
   * @throws {SottoError} `link-invalid` (no such code), `link-expired` (used before, or too late: have a new one shown), `primary-only`, `argument-invalid`, `not-registered`, `session-ended`, and as AuthorizedClient
   */
  async link(code: string, options: LinkOptions): Promise<Pick<OwnDevice, 'deviceId' | 'name'> | undefined> {
    const { own, http, randomness, assertRunning } = this.#parts;
    assertRunning();
    checkOptions('devices.link', options, linkRules);
    demand(options.confirm !== undefined, `devices.link needs confirm: ${linkRules.confirm.says}`);
    const request = parseLink(code);
    const { account, list } = await own.list();
    rootSecretOf(account);
    refuseUsed(list, request);
    const { name } = request;
    if (!isConfirmed('devices.link', await options.confirm({ name }))) return undefined;
    const { signal } = options;
    signal?.throwIfAborted();
    const { code: provisionCode } = await requestDeviceCode(http, { signal });
    let deviceId = freshDeviceId(list);
    await own.invite(
      (before, signing) => {
        refuseUsed(before, request);
        deviceId = freshDeviceId(before);
        const { deviceKey, registrationId } = request;
        const sealedName = sealDeviceName(name, nameKeyOf(signing), randomness);
        return {
          devices: [...before.devices, { deviceId, registrationId, deviceKey, sealedName }],
          newIdentity: false,
        };
      },
      async (deviceList, current) => {
        const { userId, number, username, profileKey, identityKeyPair } = current;
        const provision = { userId, number, username, profileKey, identityKeyPair };
        const sealed = sealProvision({ ...provision, deviceList, deviceId, code: provisionCode }, request);
        await leave(http, request, sealed, { signal });
      },
      { signal },
    );
    return { deviceId, name };
  }

  /**
   * Gives a device another name, on the primary device.
   * @throws {SottoError} `argument-invalid`, `device-unknown`, `primary-only`, `not-registered`, `session-ended`, and as AuthorizedClient
   */
  async rename(deviceId: DeviceId, name: string, options: CallOptions = {}): Promise<void> {
    const { own, randomness, assertRunning } = this.#parts;
    assertRunning();
    checkOptions('devices.rename', options, signalOnly);
    checkDeviceName(name);
    await own.change((before, account) => {
      demandDevice(before, deviceId);
      const sealedName = sealDeviceName(name, nameKeyOf(account), randomness);
      const devices = before.devices.map((device) =>
        device.deviceId === deviceId ? { ...device, sealedName } : device,
      );
      return { devices, newIdentity: false };
    }, options);
  }

  /**
   * Takes a device out of the account, on the primary device: it gets nothing more, and what it knows is worth nothing any more. The account has another identity key from then on, which contacts are told, and all of the others begin new sessions.
   * @throws {SottoError} `argument-invalid` (the primary device itself: call `deleteAccount`), `device-unknown`, `primary-only`, `not-registered`, `session-ended`, and as AuthorizedClient: when it was cut off, it is finished with the next connection
   */
  async revoke(deviceId: DeviceId, options: CallOptions = {}): Promise<void> {
    this.#parts.assertRunning();
    checkOptions('devices.revoke', options, signalOnly);
    await this.#parts.own.change((before) => {
      demandDevice(before, deviceId);
      demand(deviceId !== primaryOf(before), 'the primary device can not be revoked: call deleteAccount to leave');
      return { devices: before.devices.filter((device) => device.deviceId !== deviceId), newIdentity: true };
    }, options);
  }

  async #standings(options: CallOptions): Promise<readonly DeviceStanding[]> {
    try {
      return await requestDevices(this.#parts.http, options);
    } catch (error) {
      if (error instanceof SottoError && error.retryable) return [];
      throw error;
    }
  }
}

function ownDevice(
  { deviceId, sealedName, addedAt = 0 }: ListedDevice,
  account: AccountRecord,
  primary: DeviceId,
  standings: readonly DeviceStanding[],
): OwnDevice {
  return {
    deviceId,
    name: openOwnDeviceName(sealedName, account),
    primary: deviceId === primary,
    current: deviceId === account.deviceId,
    addedAt,
    lastSeenAt: standings.find((standing) => standing.deviceId === deviceId)?.lastSeenDay,
  };
}

function demandDevice({ devices }: CheckedDeviceList, deviceId: DeviceId): void {
  if (devices.some((device) => device.deviceId === deviceId)) return;
  throw new SottoError('device-unknown', 'the account has no such device (any more): take one of devices.list');
}

/** A code that was scanned again. */
function refuseUsed({ devices }: CheckedDeviceList, { deviceKey }: LinkRequestCode): void {
  if (devices.some((device) => sameBytes(device.deviceKey, deviceKey))) throw expired();
}

async function leave(
  http: AuthorizedClient,
  { linkId, deviceKey }: LinkRequestCode,
  sealed: Uint8Array,
  options: CallOptions,
): Promise<void> {
  try {
    await putLinkMessage(http, { linkId, publicKey: deviceKey }, sealed, options);
  } catch (error) {
    if (error instanceof SottoError && error.relayCode === 'link-unknown') throw expired(error);
    throw error;
  }
}

function expired(cause?: SottoError): SottoError {
  return new SottoError(
    'link-expired',
    'this code was used before, or it is too old: have the new device show another one',
    { cause, ...(cause?.relayCode && { relayCode: cause.relayCode }) },
  );
}
