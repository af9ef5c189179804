import { ProtoError, ProvisionMessage, uuidToBytes, uuidToText } from '@sotto/proto';
import { IdentityKeyPair, type PrivateKey, PublicKey } from '#libsignal';
import { parsePhoneNumber } from '../accounts/phone-number.ts';
import { checkUsername } from '../accounts/username.ts';
import { asBuffer } from '../crypto/as-buffer.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { DeviceId, UserId } from '../ports/ids.ts';
import { SottoError } from '../sotto-error.ts';
import { type CheckedDeviceList, type ListedDevice, verifyDeviceList } from './device-list.ts';
import type { LinkRequestCode } from './link-code.ts';

const info = 'sotto provision v1';

/** What a new device has to know of the account that it comes into. */
export interface Provision {
  readonly userId: UserId;
  /** E.164. */
  readonly number: string;
  readonly username: string;
  /** 32 bytes. Secret. */
  readonly profileKey: Uint8Array;
  /** libsignal's serialised form. Secret. */
  readonly identityKeyPair: Uint8Array;
  /** The next version of the account's list, with the new device. */
  readonly deviceList: Uint8Array;
  readonly deviceId: DeviceId;
  /** 32 bytes: lets the device register itself, once. Secret. */
  readonly code: Uint8Array;
}

/** Seals it for the device that showed the code (HPKE): nobody else can open it, and nobody who has not seen the code can make it. */
export function sealProvision(provision: Provision, code: LinkRequestCode): Uint8Array {
  const encoded = ProvisionMessage.encode({ ...provision, userId: uuidToBytes(provision.userId) });
  return Uint8Array.from(PublicKey.deserialize(asBuffer(code.deviceKey)).seal(asBuffer(encoded), info, bound(code)));
}

/**
 * Opens what was left for this device, and checks it: by somebody who has seen the code; a list under its own root key that has this very device beside at least one other, and the identity key that came with it.
 * @throws {SottoError} `link-invalid`
 */
export function openProvision(
  sealed: Uint8Array,
  code: LinkRequestCode,
  devicePrivateKey: PrivateKey,
  sha256: Sha256,
): { readonly provision: Provision; readonly list: CheckedDeviceList } {
  try {
    const message = ProvisionMessage.decode(devicePrivateKey.open(asBuffer(sealed), info, bound(code)));
    const { profileKey, identityKeyPair, username, number } = message;
    const userId = uuidToText(message.userId) as UserId;
    const list = verifyDeviceList(message.deviceList, userId, sha256);
    const pair = IdentityKeyPair.deserialize(asBuffer(identityKeyPair));
    const isWhole =
      profileKey.length === 32 &&
      message.code.length === 32 &&
      sameBytes(pair.publicKey.serialize(), list.identityKey) &&
      sameBytes(pair.privateKey.getPublicKey().serialize(), list.identityKey);
    if (!isWhole || list.devices.length < 2) throw invalid('its parts do not belong together');
    const own = list.devices.find(({ deviceId }) => deviceId === message.deviceId);
    if (own === undefined || !isThisDevice(own, code)) throw invalid('its list of devices does not name this device');
    checkUsername(username);
    if (parsePhoneNumber(number) !== number) throw invalid('its number is none');
    const provision: Provision = {
      userId,
      number,
      username,
      profileKey: profileKey.slice(),
      identityKeyPair: pair.serialize(),
      deviceList: list.signed,
      deviceId: own.deviceId,
      code: message.code.slice(),
    };
    return { provision, list };
  } catch (cause) {
    if (cause instanceof SottoError && cause.code === 'link-invalid') throw cause;
    if (cause instanceof ProtoError || cause instanceof Error) throw invalid('it can not be read', cause);
    throw cause;
  }
}

function isThisDevice(own: ListedDevice, { deviceKey, registrationId }: LinkRequestCode): boolean {
  return own.registrationId === registrationId && sameBytes(own.deviceKey, deviceKey);
}

/** What both have from the code, and from nowhere else. */
function bound({ linkId, secret }: LinkRequestCode): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(linkId.length + secret.length);
  bytes.set(linkId, 0);
  bytes.set(secret, linkId.length);
  return bytes;
}

function invalid(reason: string, cause?: unknown): SottoError {
  return new SottoError(
    'link-invalid',
    `what came for this device is not to be trusted: ${reason}. Show a new code, and scan it with your first device`,
    { cause },
  );
}
