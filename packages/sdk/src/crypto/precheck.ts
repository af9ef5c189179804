import { CiphertextKind, PrekeyMessage, ProtoError, RatchetMessage, toBase64Url } from '@sotto/proto';
import type { ChainCounter } from '../ports/key-records.ts';
import { Hold } from './hold.ts';

/** How far a counter may run ahead of the highest one seen of its chain: more costs CPU before the MAC is checked. */
export const largestJump = 2_000;

const chainsKept = 8;
const macLength = 8;
const version = 0x44;

/** What the wire form of a ciphertext says, unauthenticated. */
export interface CheckedCiphertext {
  readonly kind: 'whisper' | 'prekey';
  /** base64url. */
  readonly ratchetKey: string;
  readonly counter: number;
  /** The own prekeys that opening it will touch. */
  readonly prekeyIds:
    | { readonly ec: number | undefined; readonly signed: number; readonly kyber: number | undefined }
    | undefined;
}

/**
 * Parses a ciphertext before libsignal does.
 * @throws {Hold} `unknown-kind`, `malformed-ciphertext`
 */
export function checkStructure(kind: CiphertextKind, ciphertext: Uint8Array): CheckedCiphertext {
  try {
    if (kind === CiphertextKind.CIPHERTEXT_KIND_WHISPER) {
      return { kind: 'whisper', prekeyIds: undefined, ...checkRatchetMessage(ciphertext) };
    }
    if (kind === CiphertextKind.CIPHERTEXT_KIND_PREKEY) {
      if (ciphertext[0] !== version) throw new Hold('malformed-ciphertext');
      const message = PrekeyMessage.decode(ciphertext.subarray(1));
      const prekeyIds = {
        ec: message.prekeyId ?? undefined,
        signed: message.signedPrekeyId,
        kyber: message.kyberPrekeyId ?? undefined,
      };
      return { kind: 'prekey', prekeyIds, ...checkRatchetMessage(message.message) };
    }
  } catch (cause) {
    if (cause instanceof ProtoError) throw new Hold('malformed-ciphertext', { cause });
    throw cause;
  }
  throw new Hold('unknown-kind');
}

/**
 * Refuses a counter that runs too far ahead of what was seen.
 * @throws {Hold} `counter-jump`
 */
export function checkJump(checked: CheckedCiphertext, chains: readonly ChainCounter[]): void {
  refuseJump(chains, checked.ratchetKey, checked.counter);
}

/** The chains after a message was opened. */
export function advanceChains(chains: readonly ChainCounter[], checked: CheckedCiphertext): readonly ChainCounter[] {
  return chainsAfter(chains, checked.ratchetKey, checked.counter);
}

/** @throws {Hold} `counter-jump` */
export function refuseJump(chains: readonly ChainCounter[], ratchetKey: string, counter: number): void {
  const highest = chains.find((chain) => chain.ratchetKey === ratchetKey)?.highest ?? 0;
  if (counter > highest + largestJump) throw new Hold('counter-jump');
}

/** The chains once this counter of this one was seen; of more than eight the oldest are forgotten. */
export function chainsAfter(
  chains: readonly ChainCounter[],
  ratchetKey: string,
  counter: number,
): readonly ChainCounter[] {
  const known = chains.find((chain) => chain.ratchetKey === ratchetKey);
  if (known && known.highest >= counter) return chains;
  const advanced = { ratchetKey, highest: counter };
  if (known) return chains.map((chain) => (chain === known ? advanced : chain));
  return [...chains, advanced].slice(-chainsKept);
}

function checkRatchetMessage(bytes: Uint8Array): { readonly ratchetKey: string; readonly counter: number } {
  if (bytes[0] !== version || bytes.length < 1 + macLength) throw new Hold('malformed-ciphertext');
  const message = RatchetMessage.decode(bytes.subarray(1, bytes.length - macLength));
  if (message.ratchetKey.length !== 33 || !isPqRatchet(message.pqRatchet)) throw new Hold('malformed-ciphertext');
  return { ratchetKey: toBase64Url(message.ratchetKey), counter: message.counter };
}

/**
 * Whether bytes have the structure of an SPQR message: version 1, epoch and index as varints, a type, and for the types that carry a chunk (all of 0..6 but 0 and 4) its index and 32 bytes.
 *
 * A library of the 0.85 age crashes on shorter ones, before it checks the MAC.
 */
export function isPqRatchet(bytes: Uint8Array): boolean {
  if (bytes[0] !== 1) return false;
  const epoch = skipVarint(bytes, 1);
  const index = skipVarint(bytes, epoch);
  const type = bytes[index];
  if (index < 0 || type === undefined) return false;
  const rest = bytes.length - index - 1;
  if (type === 0 || type === 4) return rest === 0;
  if (type > 6) return false;
  const chunk = skipVarint(bytes, index + 1);
  return chunk > 0 && bytes.length - chunk === 32;
}

/** The offset after a varint of at most ten bytes, or -1. */
function skipVarint(bytes: Uint8Array, from: number): number {
  if (from < 0) return -1;
  for (let at = from; at < from + 10; at++) {
    const byte = bytes[at];
    if (byte === undefined) return -1;
    if (byte < 128) return at + 1;
  }
  return -1;
}
