import { KEMPublicKey, PreKeyBundle, PublicKey } from '#libsignal';
import { asBuffer } from '../crypto/libsignal-stores.ts';
import { type CheckedDeviceList, verifyDeviceList } from '../devices/device-list.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { DeviceId, UserId } from '../ports/ids.ts';
import { SottoError } from '../sotto-error.ts';
import type { AuthorizedClient, CallOptions } from '../transport/http-client.ts';
import { type FetchedDeviceBundle, requestBundles } from '../transport/prekey-calls.ts';

/** What opens a session with one device. */
export interface DeviceBundle {
  readonly deviceId: DeviceId;
  readonly registrationId: number;
  readonly bundle: PreKeyBundle;
}

/** The bundles of all devices of somebody, checked. Whether the root key is the pinned one is for `acceptDeviceList`. */
export interface CheckedBundles {
  /** The encoded SignedDeviceList that they belong to. */
  readonly signed: Uint8Array;
  readonly bundles: readonly DeviceBundle[];
}

/**
 * Takes a bundle for each device of somebody and checks it: every device of the signed list has exactly one, with its registration id, and its prekeys are signed by the list's identity key.
 * @throws {SottoError} `bundle-invalid`, `device-list-invalid`, `user-unknown`, `rate-limited`, and as AuthorizedClient
 */
export async function fetchBundles(
  http: AuthorizedClient,
  userId: UserId,
  options: CallOptions & { readonly sha256: Sha256 },
): Promise<CheckedBundles> {
  const fetched = await requestBundles(http, userId, undefined, { signal: options.signal });
  const list = verifyDeviceList(fetched.deviceList, userId, options.sha256);
  if (fetched.bundles.length !== list.devices.length) throw invalid();
  const bundles = list.devices.map(({ deviceId, registrationId }) => {
    const bundle = fetched.bundles.find((candidate) => candidate.deviceId === deviceId);
    if (bundle === undefined || bundle.registrationId !== registrationId) throw invalid();
    return { deviceId, registrationId, bundle: checkBundle(bundle, list) };
  });
  return { signed: list.signed, bundles };
}

function checkBundle(fetched: FetchedDeviceBundle, list: CheckedDeviceList): PreKeyBundle {
  const { signedPrekey, prekey, kyberPrekey } = fetched;
  try {
    const identity = PublicKey.deserialize(asBuffer(list.identityKey));
    for (const { publicKey, signature } of [signedPrekey, kyberPrekey]) {
      if (!identity.verify(asBuffer(publicKey), asBuffer(signature))) throw invalid();
    }
    return PreKeyBundle.new(
      fetched.registrationId,
      fetched.deviceId,
      prekey?.id ?? null,
      prekey === undefined ? null : PublicKey.deserialize(asBuffer(prekey.publicKey)),
      signedPrekey.id,
      PublicKey.deserialize(asBuffer(signedPrekey.publicKey)),
      asBuffer(signedPrekey.signature),
      identity,
      kyberPrekey.id,
      KEMPublicKey.deserialize(asBuffer(kyberPrekey.publicKey)),
      asBuffer(kyberPrekey.signature),
    );
  } catch (cause) {
    throw cause instanceof SottoError ? cause : invalid(cause);
  }
}

function invalid(cause?: unknown): SottoError {
  return new SottoError('bundle-invalid', "the relay gave keys that are not this person's: do not trust this relay", {
    cause,
  });
}
