import { KEMPublicKey, PreKeyBundle, PublicKey } from '#libsignal';
import { asBuffer } from '../crypto/as-buffer.ts';
import { type CheckedDeviceList, verifyDeviceList } from '../devices/device-list.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { DeviceId, UserId } from '../ports/ids.ts';
import { SottoError } from '../sotto-error.ts';
import type { AuthorizedClient, CallOptions } from '../transport/http-client.ts';
import {
  type FetchedBundles,
  type FetchedDeviceBundle,
  type FetchedPrekey,
  type FetchedSignedPrekey,
  requestBundles,
} from '../transport/prekey-calls.ts';

const ecKeyBytes = 33;
const kyberKeyBytes = 1_569;

/** What opens a session with one device. */
export interface DeviceBundle {
  readonly deviceId: DeviceId;
  readonly registrationId: number;
  readonly bundle: PreKeyBundle;
}

/** Checked bundles of a person's devices. */
export interface CheckedBundles {
  /** The encoded SignedDeviceList: its signature and form are checked; whether it may follow the one that is known is for `acceptDeviceList`. */
  readonly signed: Uint8Array;
  readonly list: CheckedDeviceList;
  /** One for each device of the list that has keys, or for the one asked for. */
  readonly bundles: readonly DeviceBundle[];
  /** Devices that have none: they were not connected since the identity key changed. */
  readonly keyless: readonly DeviceId[];
}

/**
 * Takes a bundle for each device of somebody, or for one device, and checks them.
 * @throws {SottoError} `user-unknown`, `device-list-invalid`, `bundle-invalid`, `rate-limited`, and as AuthorizedClient
 */
export async function fetchBundles(
  http: AuthorizedClient,
  userId: UserId,
  options: CallOptions & { readonly sha256: Sha256; readonly deviceId?: DeviceId },
): Promise<CheckedBundles> {
  const { sha256, deviceId, signal } = options;
  return checkBundles(await requestBundles(http, userId, deviceId, { signal }), userId, sha256, deviceId);
}

/**
 * Checks bundles: each belongs to a device of the signed list, none is doubled, keys are of their types, and the identity key of the list signed them. Under the first list of an account none is missing, later ones may have devices without keys; one at least has some.
 * @throws {SottoError} `device-list-invalid`, `bundle-invalid`
 */
export function checkBundles(
  fetched: FetchedBundles,
  userId: UserId,
  sha256: Sha256,
  deviceId?: DeviceId,
): CheckedBundles {
  const list = verifyDeviceList(fetched.deviceList, userId, sha256);
  const identity = PublicKey.deserialize(asBuffer(list.identityKey));
  const wanted = list.devices.filter((device) => deviceId === undefined || device.deviceId === deviceId);
  if (wanted.length === 0) throw invalid('the device is not on the list');
  const given = wanted.filter(({ deviceId: id }) => fetched.bundles.some((bundle) => bundle.deviceId === id));
  if (fetched.bundles.length !== given.length)
    throw invalid('there is one of a device that is not listed, or two of one');
  if (given.length === 0 || (list.version === 1 && given.length < wanted.length)) throw invalid('a device has none');
  const bundles = given.map((device) => {
    const bundle = fetched.bundles.find((candidate) => candidate.deviceId === device.deviceId);
    if (bundle === undefined) throw invalid('a device has none');
    if (bundle.registrationId !== device.registrationId) throw invalid('a device was set up anew');
    return {
      deviceId: device.deviceId,
      registrationId: device.registrationId,
      bundle: checkedBundle(bundle, identity),
    };
  });
  const keyless = wanted.filter((device) => !given.includes(device)).map((device) => device.deviceId);
  return { signed: fetched.deviceList, list, bundles, keyless };
}

function checkedBundle(bundle: FetchedDeviceBundle, identity: PublicKey): PreKeyBundle {
  const { signedPrekey, kyberPrekey, prekey } = bundle;
  checkSignature(signedPrekey, identity);
  checkSignature(kyberPrekey, identity);
  try {
    return PreKeyBundle.new(
      bundle.registrationId,
      bundle.deviceId,
      prekey?.id ?? null,
      prekey === undefined ? null : ecKey(prekey),
      signedPrekey.id,
      ecKey(signedPrekey),
      asBuffer(signedPrekey.signature),
      identity,
      kyberPrekey.id,
      kyberKey(kyberPrekey),
      asBuffer(kyberPrekey.signature),
    );
  } catch (cause) {
    if (cause instanceof SottoError) throw cause;
    throw invalid('a key can not be read', cause);
  }
}

function checkSignature(prekey: FetchedSignedPrekey, identity: PublicKey): void {
  if (!identity.verify(asBuffer(prekey.publicKey), asBuffer(prekey.signature))) {
    throw invalid('the identity key did not sign it');
  }
}

function ecKey({ publicKey }: FetchedPrekey): PublicKey {
  if (publicKey.length !== ecKeyBytes) throw invalid('an EC key has the wrong length');
  return PublicKey.deserialize(asBuffer(publicKey));
}

function kyberKey({ publicKey }: FetchedPrekey): KEMPublicKey {
  if (publicKey.length !== kyberKeyBytes) throw invalid('a Kyber key has the wrong length');
  return KEMPublicKey.deserialize(asBuffer(publicKey));
}

function invalid(reason: string, cause?: unknown): SottoError {
  return new SottoError(
    'bundle-invalid',
    `the relay gave keys that are not to be trusted: ${reason}. Nothing was sent; if it stays so, ask the relay's operator`,
    { cause },
  );
}
