import { EphemeralPayload, EphemeralSignal, type EphemeralSignalFields, ProtoError, uuidToBytes } from '@sotto/proto';
import { Aes256GcmSiv, hkdf, LibSignalErrorBase } from '#libsignal';
import { asBuffer } from '../crypto/as-buffer.ts';
import { unpad } from '../crypto/padding.ts';
import type { DeviceAddress } from '../ports/ids.ts';

/** All plaintexts have this length, so that all payloads of a counter's size do. */
export const plaintextBytes = 64;
/** The length of a run's name. */
export const runBytes = 16;
const tagBytes = 16;
const nonceBytes = 12;
const largestCounter = 0xffff_ffff;
const label = new TextEncoder().encode('sotto ephemeral v1');
const noContext = new Uint8Array(0);

/** What of a payload stands in clear. */
export interface SignalHeader {
  readonly run: Uint8Array;
  readonly counter: number;
}

/** A payload whose form is right; whether it is genuine is not known yet. */
export interface SealedSignal extends SignalHeader {
  readonly ciphertext: Uint8Array;
}

/** One key, for one run of one sending device and one receiving device (RFC 5869 over SHA-256, then RFC 8452). */
export class SignalCipher {
  readonly #cipher: Aes256GcmSiv;

  /** @param secret that of the sending device for the other person */
  constructor(secret: Uint8Array, run: Uint8Array, from: DeviceAddress, to: DeviceAddress) {
    const info = new Uint8Array(label.length + 34);
    info.set(label);
    info.set(uuidToBytes(from.userId), label.length);
    info[label.length + 16] = from.deviceId;
    info.set(uuidToBytes(to.userId), label.length + 17);
    info[label.length + 33] = to.deviceId;
    this.#cipher = Aes256GcmSiv.new(asBuffer(hkdf(32, asBuffer(secret), info, asBuffer(run))));
  }

  /** The payload of a signal. A counter is used once. */
  seal(signal: EphemeralSignalFields, { run, counter }: SignalHeader): Uint8Array {
    const encoded = EphemeralSignal.encode(signal);
    const padded = new Uint8Array(plaintextBytes);
    if (encoded.length >= plaintextBytes) throw new RangeError('an ephemeral signal has at most 63 bytes');
    padded.set(encoded);
    padded[encoded.length] = 0x80;
    const ciphertext = this.#cipher.encrypt(padded, nonceOf(counter), noContext);
    return EphemeralPayload.encode({ version: 1, run, counter, ciphertext });
  }

  /** The signal; undefined when it was not made under this key, or is none. */
  open({ ciphertext, counter }: SealedSignal): EphemeralSignal | undefined {
    try {
      const padded = this.#cipher.decrypt(asBuffer(ciphertext), nonceOf(counter), noContext);
      const encoded = unpad(padded);
      return encoded && EphemeralSignal.decode(encoded);
    } catch (error) {
      // A wrong tag, or what is no signal.
      if (error instanceof LibSignalErrorBase || error instanceof ProtoError) return undefined;
      throw error;
    }
  }
}

/** Reads a payload's form; undefined when it has none. */
export function readPayload(payload: Uint8Array): SealedSignal | undefined {
  let decoded: EphemeralPayload;
  try {
    decoded = EphemeralPayload.decode(payload);
  } catch (error) {
    if (error instanceof ProtoError) return undefined;
    throw error;
  }
  const { version, run, counter, ciphertext } = decoded;
  const wellFormed =
    version === 1 &&
    run.length === runBytes &&
    counter >= 1 &&
    counter <= largestCounter &&
    ciphertext.length === plaintextBytes + tagBytes;
  return wellFormed ? { run: run.slice(), counter, ciphertext } : undefined;
}

function nonceOf(counter: number): Uint8Array<ArrayBuffer> {
  const nonce = new Uint8Array(nonceBytes);
  new DataView(nonce.buffer).setUint32(nonceBytes - 4, counter);
  return nonce;
}
