import type { PublicKey } from './ec-keys.ts';
import { call } from './library.ts';
import { type Bytes, Values } from './wire.ts';

/** What one side shows and the other scans. */
export class ScannableFingerprint {
  private readonly bytes: Bytes;

  private constructor(bytes: Bytes) {
    this.bytes = bytes;
  }

  static _fromBuffer(bytes: Uint8Array): ScannableFingerprint {
    return new ScannableFingerprint(Uint8Array.from(bytes));
  }

  /** @throws {LibSignalErrorBase} when it is none, or of another version */
  compare(other: ScannableFingerprint): boolean {
    const values = new Values().bytes(this.bytes).bytes(other.bytes);
    return call('ScannableFingerprint_Compare', values, (fields) => fields.flag());
  }

  toBuffer(): Bytes {
    return this.bytes.slice();
  }
}

/** What two people read to each other: 60 digits. */
export class DisplayableFingerprint {
  private readonly digits: string;

  private constructor(digits: string) {
    this.digits = digits;
  }

  static _fromString(digits: string): DisplayableFingerprint {
    return new DisplayableFingerprint(digits);
  }

  toString(): string {
    return this.digits;
  }
}

/** The safety number of two people. */
export class Fingerprint {
  private readonly digits: string;
  private readonly code: Bytes;

  private constructor(digits: string, code: Bytes) {
    this.digits = digits;
    this.code = code;
  }

  /** @throws {LibSignalErrorBase} */
  static new(
    iterations: number,
    version: number,
    localIdentifier: Uint8Array,
    localKey: PublicKey,
    remoteIdentifier: Uint8Array,
    remoteKey: PublicKey,
  ): Fingerprint {
    const values = new Values().u32(iterations).u32(version);
    values.bytes(localIdentifier).bytes(localKey.serialize());
    values.bytes(remoteIdentifier).bytes(remoteKey.serialize());
    return call('Fingerprint_New', values, (fields) => {
      const digits = fields.text();
      return new Fingerprint(digits, fields.bytes());
    });
  }

  displayableFingerprint(): DisplayableFingerprint {
    return DisplayableFingerprint._fromString(this.digits);
  }

  scannableFingerprint(): ScannableFingerprint {
    return ScannableFingerprint._fromBuffer(this.code);
  }
}
