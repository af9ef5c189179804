import { CiphertextKind, type SealedMultiSend, type SealedSendFields, type SealedSends } from '@sotto/proto';
import { accessKeyBytes } from '../accounts/access-key.ts';
import { ciphertextBytes, flawOfDevices, longestTtlSeconds, mostRecipients } from '../mailbox/send-shape.ts';
import { namedRecipients } from './multi-recipient.ts';

/** The most sends of one request. */
export const mostSealedSends = 128;
/** The most accounts that the messages to many of one request name together. */
export const mostAccountsOfRequest = 4_096;

/** What is wrong with the form of a request of sealed sends, as advice; `undefined` when nothing is. */
export function flawOfSealedSends({ userId, accessKey, sends }: SealedSends): string | undefined {
  if (sends.length < 1 || sends.length > mostSealedSends) return `a request has 1 to ${mostSealedSends} sends.`;
  const flaw = flawOfAddressee({ userId, accessKey });
  if (flaw !== undefined) return flaw;
  for (const send of sends) {
    const wrong = flawOfSealed(send) ?? flawOfDevices(send.devices ?? [], CiphertextKind.CIPHERTEXT_KIND_SEALED);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/** The same for messages to many; of the messages themselves no more than their size, and how many they say they name. */
export function flawOfSealedMultiSends(sends: readonly SealedMultiSend[]): string | undefined {
  if (sends.length < 1 || sends.length > mostSealedSends) return `a request has 1 to ${mostSealedSends} sends.`;
  let accounts = 0;
  for (const send of sends) {
    const flaw = flawOfSealedMultiSend(send);
    if (flaw !== undefined) return flaw;
    accounts += accountsOf(send);
  }
  return accounts > mostAccountsOfRequest ? `a request names at most ${mostAccountsOfRequest} accounts.` : undefined;
}

/** How many accounts have to be read and looked up for a message to many. */
export function accountsOf({ recipients, message }: Pick<SealedMultiSend, 'recipients' | 'message'>): number {
  return Math.max(recipients.length, namedRecipients(message));
}

function flawOfSealedMultiSend(send: SealedMultiSend): string | undefined {
  const flaw = flawOfSealed(send);
  if (flaw !== undefined) return flaw;
  const { message, recipients } = send;
  if (message.length < 1 || message.length > ciphertextBytes) return `a message has 1 to ${ciphertextBytes} bytes.`;
  if (recipients.length < 1 || recipients.length > mostRecipients) return 'a send has 1 to 1024 recipients.';
  if (namedRecipients(message) > mostRecipients) return 'a message names 1 to 1024 recipients.';
  for (const recipient of recipients) {
    const wrong = flawOfAddressee(recipient);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function flawOfAddressee({ userId, accessKey }: { readonly [Name in 'userId' | 'accessKey']?: Uint8Array | null }) {
  if (userId?.length !== 16) return 'user_id has to have 16 bytes.';
  return accessKey?.length === accessKeyBytes ? undefined : `access_key has to have ${accessKeyBytes} bytes.`;
}

function flawOfSealed(send: Pick<SealedSendFields, 'sendId' | 'suite' | 'attempt' | 'ttlSeconds'>): string | undefined {
  if (send.sendId?.length !== 16) return 'send_id has to have 16 bytes.';
  if ((send.suite ?? 0) < 1) return 'suite has to be named.';
  if ((send.attempt ?? 0) < 1) return 'attempt counts from 1.';
  return (send.ttlSeconds ?? 0) > longestTtlSeconds ? 'ttl_seconds is at most 30 days.' : undefined;
}
