import { uuidToBytes } from '@sotto/proto';
import { Fingerprint, LibSignalErrorBase, PublicKey, ScannableFingerprint } from '#libsignal';
import type { UserId } from '../ports/ids.ts';
import { asBuffer } from './as-buffer.ts';

const iterations = 5_200;
const version = 2;

/** Somebody with an identity key, 33 bytes. */
export interface Identified {
  readonly userId: UserId;
  readonly key: Uint8Array;
}

/** What two people compare: libsignal's numeric fingerprint of both identity keys, the ids as their 16 bytes. */
export interface SafetyNumberOfKeys {
  /** 60 digits in groups of five with spaces: the same on both sides. */
  readonly digits: string;
  /** To be shown as a QR code in binary mode: what the other side scans. */
  readonly qr: Uint8Array;
}

/** What a scanned code says: `match`, `mismatch` (other keys, or other people), or `unreadable` (not a code of this kind and version). */
export type ScanResult = 'match' | 'mismatch' | 'unreadable';

/** Makes the safety number of two people. */
export function safetyNumberOf(own: Identified, peer: Identified): SafetyNumberOfKeys {
  const fingerprint = fingerprintOf(own, peer);
  const digits = fingerprint.displayableFingerprint().toString();
  return {
    digits: digits.match(/\d{5}/g)?.join(' ') ?? digits,
    qr: Uint8Array.from(fingerprint.scannableFingerprint().toBuffer()),
  };
}

/** Compares what the other side showed with what it should show. */
export function compareScanned(own: Identified, peer: Identified, scanned: Uint8Array): ScanResult {
  const expected = fingerprintOf(own, peer).scannableFingerprint();
  try {
    return expected.compare(ScannableFingerprint._fromBuffer(asBuffer(scanned))) ? 'match' : 'mismatch';
  } catch (error) {
    if (error instanceof LibSignalErrorBase) return 'unreadable';
    throw error;
  }
}

function fingerprintOf(own: Identified, peer: Identified): Fingerprint {
  const id = (userId: UserId) => asBuffer(uuidToBytes(userId));
  const key = (bytes: Uint8Array) => PublicKey.deserialize(asBuffer(bytes));
  return Fingerprint.new(iterations, version, id(own.userId), key(own.key), id(peer.userId), key(peer.key));
}
