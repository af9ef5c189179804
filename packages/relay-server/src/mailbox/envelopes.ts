import { Envelope, type Send } from '@sotto/proto';
import { envelopeBytes } from './envelope-bytes.ts';

/** When mail was accepted, and its end. */
export interface MailTimes {
  readonly acceptedAt: number;
  readonly expiresAt: number;
}

/** Who sends, and when it was accepted. */
export interface EnvelopeOrigin extends MailTimes {
  readonly senderUser: Uint8Array;
  readonly senderDevice: number;
}

/** One device of a recipient. */
export interface EnvelopeTarget {
  readonly recipientUser: Uint8Array;
  readonly recipientDevice: number;
  readonly kind: number;
  readonly ciphertext: Uint8Array;
}

/** The envelopes of one Send. */
export interface Envelopes {
  /** How all of them end; nothing when they share no ciphertext. */
  readonly shared: Uint8Array | undefined;
  /** The envelope for a device, up to that end. */
  of(target: EnvelopeTarget): Uint8Array;
}

const kindOfShared = 3;

/**
 * Makes the envelopes of a Send. Fields of a message come in any order (protobuf encoding, "Field Order"), so those of the recipient stand in front, and what is the same for all follows once.
 */
export function envelopesOf(send: Send, origin: EnvelopeOrigin): Envelopes {
  const { suite, messageId, attempt, urgent, groupId, groupEpoch } = send;
  if (send.sharedCiphertext.length > 0) {
    const ciphertext = send.sharedCiphertext;
    const group = { groupId, groupEpoch };
    const shared = Envelope.encode({
      suite,
      kind: kindOfShared,
      ciphertext,
      messageId,
      ...origin,
      attempt,
      urgent,
      ...group,
    });
    return { shared, of: ({ recipientUser, recipientDevice }) => Envelope.encode({ recipientUser, recipientDevice }) };
  }
  const { senderUser, senderDevice, acceptedAt, expiresAt } = origin;
  // Field by field: this is done for each device of each message between two people.
  const of = ({ kind, ciphertext, recipientUser, recipientDevice }: EnvelopeTarget) =>
    envelopeBytes({
      suite,
      kind,
      ciphertext,
      messageId,
      senderUser,
      senderDevice,
      recipientUser,
      recipientDevice,
      acceptedAt,
      expiresAt,
      attempt,
      urgent,
    });
  if (groupId.length === 0) return { shared: undefined, of };
  const group = Envelope.encode({ groupId, groupEpoch });
  return { shared: undefined, of: (target) => Buffer.concat([of(target), group]) };
}
