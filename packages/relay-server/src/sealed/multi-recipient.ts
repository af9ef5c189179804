import SealedSenderMultiRecipientMessage from '@signalapp/libsignal-client/dist/SealedSenderMultiRecipientMessage.js';
import { CiphertextKind, Envelope, isUuid, type SendDeviceFields } from '@sotto/proto';
import type { Envelopes, MailTimes } from '../mailbox/envelopes.ts';
import type { UserId } from '../ports/ids.ts';
import { RelayError } from '../relay-error.ts';

/** Bytes that each recipient has of their own: version, message key, authentication tag. What follows is the same for all. */
const headLength = 1 + 32 + 16;
/** Of a field of bytes in an Envelope: its ciphertext, number 3. */
const ciphertextTag = (3 << 3) | 2;

/** One message to many, taken apart. */
export interface MultiRecipientMessage {
  /** The devices that it names of each account, with the beginning of what they get as ciphertext. */
  readonly recipients: ReadonlyMap<UserId, readonly SendDeviceFields[]>;
  /** How what they get ends. */
  readonly shared: Uint8Array;
}

/**
 * Takes a sealed-sender message, version 2, for many recipients apart, as libsignal reads it.
 * @throws {RelayError} `request-malformed`
 */
export function takeApart(message: Uint8Array): MultiRecipientMessage {
  const parsed = parse(message);
  const recipients = new Map<UserId, readonly SendDeviceFields[]>();
  let shared: Uint8Array | undefined;
  for (const [name, recipient] of Object.entries(parsed.recipientsByServiceIdString())) {
    const whole = parsed.messageForRecipient(recipient);
    if (!isUuid(name) || whole.length <= headLength) throw malformed();
    shared ??= whole.subarray(headLength);
    if (whole.length !== headLength + shared.length) throw malformed();
    const head = whole.slice(0, headLength);
    const { deviceIds, registrationIds } = recipient;
    const devices = deviceIds.map((deviceId, at) => ({
      deviceId,
      registrationId: registrationIds[at] ?? 0,
      kind: CiphertextKind.CIPHERTEXT_KIND_SEALED,
      ciphertext: head,
    }));
    recipients.set(name as UserId, devices);
  }
  if (shared === undefined || parsed.excludedRecipientServiceIdStrings().length > 0) throw malformed();
  return { recipients, shared };
}

/** How many recipients such a message says that it names, without reading them: a varint behind its version. Reading them takes its time for each. */
export function namedRecipients(message: Uint8Array): number {
  let count = 0;
  for (let at = 1; at <= 4; at++) {
    const byte = message[at] ?? 0;
    count += (byte & 0x7f) * 2 ** (7 * (at - 1));
    if (byte < 0x80) return count;
  }
  return Number.POSITIVE_INFINITY;
}

/**
 * The envelopes of such a message: what they have of their own stands in front, up to the beginning of the ciphertext, so that the rest of it is kept once for all.
 */
export function envelopesOfShared(
  shared: Uint8Array,
  send: { readonly suite: number; readonly attempt: number; readonly urgent: boolean },
  times: MailTimes,
): Envelopes {
  const { suite, attempt, urgent } = send;
  const rest = Envelope.encode({ suite, kind: CiphertextKind.CIPHERTEXT_KIND_SEALED, ...times, attempt, urgent });
  return {
    shared: Buffer.concat([shared, rest]),
    of: ({ recipientUser, recipientDevice, ciphertext }) => {
      const target = Envelope.encode({ recipientUser, recipientDevice });
      const field = Uint8Array.from([ciphertextTag, ...varint(ciphertext.length + shared.length)]);
      return Buffer.concat([target, field, ciphertext]);
    },
  };
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}

function parse(message: Uint8Array): SealedSenderMultiRecipientMessage {
  try {
    return new SealedSenderMultiRecipientMessage(Uint8Array.from(message));
  } catch (cause) {
    throw malformed(cause);
  }
}

function malformed(cause?: unknown): RelayError {
  return new RelayError(
    'request-malformed',
    'message has to be a sealed-sender message, version 2, for the accounts that recipients names.',
    { cause },
  );
}
