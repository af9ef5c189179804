import { fromBase64Url, LinkCode, ProtoError, toBase64Url } from '@sotto/proto';
import { PublicKey } from '#libsignal';
import { asBuffer } from '../crypto/as-buffer.ts';
import { SottoError } from '../sotto-error.ts';
import { isDeviceName } from './device-name.ts';

const prefix = 'sotto-link:';
const version = 1;
const greatestRegistrationId = 16_380;
const longestCode = 1_024;

/** What a new device shows to the one that is to let it in. */
export interface LinkRequestCode {
  /** 16 bytes. */
  readonly linkId: Uint8Array;
  /** libsignal's 33 bytes: the key that the new device is to have on the list, to which what it gets is sealed. */
  readonly deviceKey: Uint8Array;
  readonly registrationId: number;
  /** 16 random bytes, which the relay never sees. */
  readonly secret: Uint8Array;
  readonly name: string;
}

/** Writes the code as a text, to be shown as a QR code. */
export function formatLink(code: LinkRequestCode): string {
  return prefix + toBase64Url(LinkCode.encode({ version, ...code }));
}

/**
 * Reads a code that was scanned.
 * @throws {SottoError} `link-invalid`
 */
export function parseLink(text: string): LinkRequestCode {
  if (typeof text !== 'string' || !text.trim().startsWith(prefix) || text.length > longestCode) {
    throw invalid('it is no code for linking a device: scan the one that the new device shows');
  }
  try {
    const code = LinkCode.decode(fromBase64Url(text.trim().slice(prefix.length)));
    if (code.version !== version) throw invalid('it was made by another version: update both devices');
    const { linkId, deviceKey, registrationId, secret, name } = code;
    const isWhole =
      linkId.length === 16 &&
      deviceKey.length === 33 &&
      secret.length === 16 &&
      registrationId >= 1 &&
      registrationId <= greatestRegistrationId &&
      isDeviceName(name);
    if (!isWhole) throw invalid('it was not read whole: scan it again');
    PublicKey.deserialize(asBuffer(deviceKey));
    return { linkId: linkId.slice(), deviceKey: deviceKey.slice(), registrationId, secret: secret.slice(), name };
  } catch (cause) {
    if (cause instanceof SottoError) throw cause;
    // Of base64url, of protobuf, or libsignal's on a key that is none.
    if (cause instanceof ProtoError || cause instanceof Error)
      throw invalid('it can not be read: scan it again', cause);
    throw cause;
  }
}

function invalid(reason: string, cause?: unknown): SottoError {
  return new SottoError('link-invalid', `the code can not be used: ${reason}`, { cause });
}
