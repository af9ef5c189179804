import { LibSignalErrorBase, SenderKeyDistributionMessage, SenderKeyMessage } from '#libsignal';
import type { ChainCounter } from '../ports/key-records.ts';
import { asBuffer } from './as-buffer.ts';
import { Hold } from './hold.ts';
import { chainsAfter, refuseJump } from './precheck.ts';

const largestDistribution = 1_024;

/** What the wire form of a group message says, unauthenticated. */
export interface CheckedGroupCiphertext {
  readonly kind: 'sender-key';
  /** A UUID. */
  readonly distributionId: string;
  /** Which of the chains that were given under this id, as text. */
  readonly chain: string;
  readonly iteration: number;
}

/** The key of a chain as it was given. */
export interface CheckedDistribution {
  readonly distributionId: string;
  readonly chain: string;
  /** The first message that it opens. */
  readonly iteration: number;
  readonly message: SenderKeyDistributionMessage;
}

/**
 * Parses a group message, which costs no more than reading it: neither chain nor signature is computed.
 * @throws {Hold} `malformed-ciphertext`
 */
export function checkGroupCiphertext(ciphertext: Uint8Array): CheckedGroupCiphertext {
  try {
    const message = SenderKeyMessage.deserialize(asBuffer(ciphertext));
    return {
      kind: 'sender-key',
      distributionId: message.distributionId(),
      chain: String(message.chainId()),
      iteration: message.iteration(),
    };
  } catch (cause) {
    if (cause instanceof LibSignalErrorBase) throw new Hold('malformed-ciphertext', { cause });
    throw cause;
  }
}

/**
 * Parses the key of a chain.
 * @throws {Hold} `content-invalid`
 */
export function checkDistribution(bytes: Uint8Array): CheckedDistribution {
  if (bytes.length < 1 || bytes.length > largestDistribution) throw new Hold('content-invalid');
  try {
    const message = SenderKeyDistributionMessage.deserialize(asBuffer(bytes.slice()));
    return {
      distributionId: message.distributionId(),
      chain: String(message.chainId()),
      iteration: message.iteration(),
      message,
    };
  } catch (cause) {
    if (cause instanceof LibSignalErrorBase) throw new Hold('content-invalid', { cause });
    throw cause;
  }
}

/**
 * Refuses a message that runs too far ahead of what was seen of its chain: each step costs an HMAC before the signature is checked.
 * @throws {Hold} `counter-jump`
 */
export function checkIteration({ chain, iteration }: CheckedGroupCiphertext, chains: readonly ChainCounter[]): void {
  refuseJump(chains, chain, iteration);
}

/** The chains after a key was taken, or a message was opened. */
export function withIteration(
  chains: readonly ChainCounter[],
  { chain, iteration }: Pick<CheckedGroupCiphertext, 'chain' | 'iteration'>,
): readonly ChainCounter[] {
  return chainsAfter(chains, chain, iteration);
}
