import { type DeviceListRequest, type DevicesAnswer, fromBase64Url } from '@sotto/proto';
import { checkFollows, readDeviceList } from '../accounts/device-list.ts';
import { type Directory, unknownUser } from '../accounts/directory.ts';
import { outdatedList } from '../accounts/outdated-list.ts';
import type { DeviceReach } from '../dispatch/device-reach.ts';
import { readPrekeyUpload } from '../keys/prekey-upload.ts';
import type { AccountStore, StoredDeviceList } from '../ports/account-store.ts';
import type { DeviceCodeStore } from '../ports/device-code-store.ts';
import type { DeviceStore } from '../ports/device-store.ts';
import type { DeviceAddress } from '../ports/ids.ts';
import type { TicketStore } from '../ports/ticket-store.ts';
import { RelayError } from '../relay-error.ts';
import { tooManyDevices } from './joining-list.ts';

/** What `OwnDevices` works with. */
export interface OwnDeviceParts {
  readonly accounts: AccountStore;
  readonly devices: DeviceStore;
  readonly deviceCodes: DeviceCodeStore;
  readonly tickets: TicketStore;
  readonly directory: Directory;
  readonly reach: Pick<DeviceReach, 'devicesChanged' | 'end'>;
  /** The most devices of an account, its primary included. */
  readonly mostDevices: number;
}

/** What the devices of an account see and do of its list. */
export class OwnDevices {
  readonly #parts: OwnDeviceParts;

  constructor(parts: OwnDeviceParts) {
    this.#parts = parts;
  }

  /** @throws {RelayError} `user-unknown` */
  async describe({ userId }: DeviceAddress): Promise<DevicesAnswer> {
    const { accounts, devices } = this.#parts;
    const list = await accounts.deviceList(userId);
    if (list === undefined) throw unknownUser();
    const sightings = await devices.sightings(userId);
    return {
      devices: list.devices.map(({ deviceId, standing }) => {
        const seen = sightings.find((sighting) => sighting.deviceId === deviceId);
        return {
          deviceId,
          ...(seen?.lastSeenDay !== undefined && { lastSeenDay: seen.lastSeenDay }),
          idle: standing === 'idle',
          keyless: standing === 'keyless',
        };
      }),
    };
  }

  /**
   * Stores the next version of the list. Whoever is not on it any more has lost all, is shown the list, and its stream ends; the others are told.
   * @throws {RelayError} `devices-changed` with the list as it is, `device-list-invalid`, `devices-full`, `signature-invalid`, `key-malformed`, `prekey-conflict`, `user-unknown`; `request-malformed` when prekeys are there without a new identity key, or missing with one
   */
  async replaceList(device: DeviceAddress, request: DeviceListRequest): Promise<StoredDeviceList> {
    const { accounts, deviceCodes, tickets, directory, reach, mostDevices } = this.#parts;
    const { userId, deviceId } = device;
    const next = readDeviceList(fromBase64Url(request.deviceList));
    const before = await accounts.deviceList(userId);
    if (before === undefined) throw unknownUser();
    checkFollows(before, next, userId);
    const isNew = Buffer.compare(before.signed, next.stored.signed) !== 0;
    const isRotated = isNew && Buffer.compare(before.identityKey, next.stored.identityKey) !== 0;
    if (isNew && next.stored.version !== before.version + 1) throw outdatedList(before);
    const asking = before.devices.find((listed) => listed.deviceId === deviceId);
    const stays = next.stored.devices.some(
      (listed) => listed.deviceId === deviceId && listed.registrationId === asking?.registrationId,
    );
    if (isRotated && stays && request.prekeys === undefined) {
      throw new RelayError(
        'request-malformed',
        'With a new identity key new prekeys of the asking device have to come.',
      );
    }
    if (isNew && !isRotated && request.prekeys !== undefined) {
      throw new RelayError('request-malformed', 'Prekeys come with a list when the identity key is a new one alone.');
    }
    const { length } = next.stored.devices;
    if (length > mostDevices && length > before.devices.length) throw tooManyDevices();
    const prekeys = isRotated && stays ? request.prekeys : undefined;
    const renewal = prekeys && { deviceId, prekeys: readPrekeyUpload(prekeys, next.stored.identityKey) };
    const list = await directory.replace(userId, next, renewal);
    // A device that comes back under another registration id is another one: what the first had has ended.
    const kept = list.devices.filter(({ deviceId, registrationId }) =>
      before.devices.some((earlier) => earlier.deviceId === deviceId && earlier.registrationId === registrationId),
    );
    const isKept = (deviceId: number) => kept.some((device) => device.deviceId === deviceId);
    reach.end(userId, { which: 'but', deviceIds: kept.map(({ deviceId }) => deviceId) }, list.signed);
    for (const { deviceId } of before.devices) {
      if (isKept(deviceId)) continue;
      await deviceCodes.revoke(userId, deviceId);
      await tickets.revoke(userId, deviceId);
    }
    if (isNew) this.tellOthers(device, list);
    return list;
  }

  /** Tells the account's devices that are connected of its list, but for the one that changed it. */
  tellOthers({ userId, deviceId }: DeviceAddress, list: StoredDeviceList): void {
    const others = list.devices.filter((other) => other.deviceId !== deviceId);
    this.#parts.reach.devicesChanged(
      userId,
      others.map((other) => other.deviceId),
      list.signed,
    );
  }
}
