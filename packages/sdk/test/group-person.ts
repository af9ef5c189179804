import { PrivateKey } from '#libsignal';
import { defaultPlatform } from '#platform';
import { type NewDeviceList, signDeviceList, verifyDeviceList } from '../src/devices/device-list.ts';
import type { GroupActor } from '../src/groups/device-proof.ts';
import type { GroupCandidate } from '../src/groups/group-member.ts';
import type { DeviceId, UserId } from '../src/ports/ids.ts';

const { sha256 } = defaultPlatform();

/** An account with devices of its own, as far as groups go: keys and signed lists. */
export class GroupPerson {
  readonly userId: UserId;
  readonly rootKey = PrivateKey.generate();
  readonly identityKey = PrivateKey.generate().getPublicKey().serialize();
  readonly rootPublicKey = this.rootKey.getPublicKey().serialize();
  readonly #keys = new Map<number, PrivateKey>();
  /** The lists, version 1 first. */
  readonly lists: Uint8Array[] = [];

  constructor(userId: UserId) {
    this.userId = userId;
    this.linkDevice(1);
  }

  get version(): number {
    return this.lists.length;
  }

  /** Adds a device: a new version of the list. */
  linkDevice(deviceId: number): void {
    this.#keys.set(deviceId, PrivateKey.generate());
    this.#sign([...this.#devicesOf(this.lists.at(-1)), deviceId]);
  }

  /** Takes a device off the list. Its key stays, for whoever has the device. */
  revokeDevice(deviceId: number): void {
    this.#sign(this.#devicesOf(this.lists.at(-1)).filter((id) => id !== deviceId));
  }

  /** Acts by a device, under the list of a version. */
  actor(deviceId = 1, version = this.version): GroupActor {
    const deviceKey = this.#keys.get(deviceId);
    const deviceList = this.lists[version - 1];
    if (deviceKey === undefined || deviceList === undefined) throw new Error('there is no such device or list');
    return { address: { userId: this.userId, deviceId: deviceId as DeviceId }, deviceKey, deviceList };
  }

  candidate(): GroupCandidate {
    return {
      userId: this.userId,
      rootKey: this.rootPublicKey,
      deviceListVersion: this.version,
      profileKey: undefined,
    };
  }

  #devicesOf(list: Uint8Array | undefined): readonly number[] {
    return list === undefined
      ? []
      : verifyDeviceList(list, this.userId, sha256).devices.map(({ deviceId }) => deviceId);
  }

  #sign(deviceIds: readonly number[]): void {
    const before = this.lists.at(-1);
    const list: NewDeviceList = {
      userId: this.userId,
      version: this.lists.length + 1,
      previousHash: before ? verifyDeviceList(before, this.userId, sha256).hash : new Uint8Array(),
      createdAt: 1_800_000_000_000,
      identityKey: this.identityKey,
      devices: deviceIds.map((id) => {
        const key = this.#keys.get(id);
        if (key === undefined) throw new Error(`device ${id} has no key`);
        return { deviceId: id as DeviceId, registrationId: 7, deviceKey: key.getPublicKey().serialize() };
      }),
    };
    this.lists.push(signDeviceList(list, this.rootKey));
  }
}
