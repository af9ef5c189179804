import {
  type BundlesAnswer,
  type DeviceBundle,
  type PublicPrekey,
  type SignedPublicPrekey,
  toBase64Url,
} from '@sotto/proto';
import { type Directory, unknownUser } from '../accounts/directory.ts';
import type { DeviceReach } from '../dispatch/device-reach.ts';
import type { Limits } from '../limits/limits.ts';
import type { StoredDeviceList } from '../ports/account-store.ts';
import type { DeviceId, UserId } from '../ports/ids.ts';
import type { EcPrekey, PrekeyStore, SignedPrekey } from '../ports/prekey-store.ts';
import { RelayError } from '../relay-error.ts';

/** How often keys are taken for lists that are replaced meanwhile. */
const mostTries = 4;

/** What `Bundles` works with. */
export interface BundleParts {
  readonly prekeys: PrekeyStore;
  readonly directory: Directory;
  readonly limits: Limits;
  readonly reach: Pick<DeviceReach, 'prekeysLeft'>;
}

/** Hands out what opens sessions with an account's devices. */
export class Bundles {
  readonly #parts: BundleParts;

  constructor(parts: BundleParts) {
    this.#parts = parts;
  }

  /**
   * The device list and a bundle for each device, or for the one asked for. One-time keys given here are gone; owners that run low are told.
   *
   * What is given belongs together: a list that was replaced while keys were taken may have another identity key than the one that signed them, so that keys are taken again for the new one.
   * @throws {RelayError} `user-unknown`, `rate-limited`
   */
  async take(requester: UserId, userId: UserId, only: number | undefined): Promise<BundlesAnswer> {
    const { directory, limits } = this.#parts;
    await limits.takeBundle(requester, userId);
    let list = await directory.deviceList(userId);
    for (let tries = 0; tries < mostTries; tries++) {
      if (list === undefined) throw unknownUser();
      const bundles = await this.#bundlesOf(userId, list, only);
      const after = await directory.stored(userId);
      if (after !== undefined && Buffer.compare(after.hash, list.hash) === 0) {
        return { deviceList: toBase64Url(list.signed), bundles };
      }
      list = after;
    }
    throw new RelayError('rate-limited', 'The devices of this account change all the time: ask again later.', {
      retryable: true,
      retryAfterMs: 1_000,
    });
  }

  async #bundlesOf(userId: UserId, list: StoredDeviceList, only: number | undefined): Promise<DeviceBundle[]> {
    const { prekeys } = this.#parts;
    const bundles: DeviceBundle[] = [];
    for (const { deviceId, registrationId } of list.devices) {
      if (only !== undefined && only !== deviceId) continue;
      const taken = await prekeys.take({ userId, deviceId: deviceId as DeviceId });
      if (taken === undefined) continue;
      bundles.push({
        deviceId,
        registrationId,
        signedPrekey: signedOnWire(taken.signedPrekey),
        ...(taken.prekey && { prekey: onWire(taken.prekey) }),
        kyberPrekey: signedOnWire(taken.kyberPrekey),
      });
      await this.#tellOwner(userId, deviceId as DeviceId);
    }
    return bundles;
  }

  async #tellOwner(userId: UserId, deviceId: DeviceId): Promise<void> {
    const { prekeys, reach } = this.#parts;
    const device = { userId, deviceId };
    await reach.prekeysLeft(device, () => prekeys.left(device));
  }
}

function onWire({ id, publicKey }: EcPrekey): PublicPrekey {
  return { id, publicKey: toBase64Url(publicKey) };
}

function signedOnWire(prekey: SignedPrekey): SignedPublicPrekey {
  return { ...onWire(prekey), signature: toBase64Url(prekey.signature) };
}
