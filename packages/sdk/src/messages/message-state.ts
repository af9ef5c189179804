import type { MessageRecord, MessageState, ReceiptRecord } from '../ports/message-record.ts';

const ranks: { readonly [State in MessageState]: number } = {
  queued: 0,
  failed: 1,
  sent: 2,
  expired: 3,
  delivered: 4,
  read: 5,
  received: 6,
  seen: 7,
};

/** The only fields of a message that change on its way. */
export const progressFields = [
  'state',
  'updatedAt',
  'acceptedAt',
  'expiresAt',
  'failure',
] as const satisfies readonly (keyof MessageRecord)[];

/** Whether `next` says more than `known`: states of a message only go up, whatever order the news comes in. */
export function advances(known: MessageState, next: MessageState): boolean {
  return ranks[next] > ranks[known];
}

/** The message and its receipt when its one recipient got to `state`; `undefined` when that is no news. */
export function advanced(
  message: MessageRecord,
  state: ReceiptRecord['state'],
  at: number,
): { readonly message: MessageRecord; readonly receipt: ReceiptRecord } | undefined {
  if (message.receiverId === undefined || !advances(message.state, state)) return undefined;
  return {
    // A receipt proves that it went out after all.
    message: { ...message, state, updatedAt: at, failure: undefined },
    receipt: { messageId: message.id, userId: message.receiverId, state, at },
  };
}
