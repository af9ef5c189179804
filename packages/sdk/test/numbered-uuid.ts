import type { ChatId, MessageId, UserId } from '../src/ports/ids.ts';

function uuid(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
}

/** Ids that tests can tell apart at a glance. */
export function userIdOf(number: number): UserId {
  return uuid(number) as UserId;
}

export function chatIdOf(number: number): ChatId {
  return uuid(number) as ChatId;
}

export function messageIdOf(number: number): MessageId {
  return uuid(number) as MessageId;
}
