import { givesReceipts } from '../chats/chat-settings.ts';
import type { Overlay } from '../crypto/overlay.ts';
import type { OwnWords } from '../messages/outgoing-content.ts';
import { hasBlocked } from '../people/blocked.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { ChatId, UserId } from '../ports/ids.ts';
import type { UserRecord } from '../ports/user-record.ts';

/** What is said of this account when it is sealed. */
export interface OwnWordsParts {
  readonly account: AccountRecord;
  /** Whether receipts are given where a chat does not say. */
  readonly returnsReceipts: boolean;
  readonly now: number;
}

/** What is said to one person. Who is blocked is told no profile key: of them only what serves a group gets this far. */
export async function ownWordsTo(
  overlay: Overlay,
  parts: OwnWordsParts,
  chatId: ChatId,
  recipient: UserId,
): Promise<OwnWords> {
  return wordsIn(overlay, parts, chatId, !(await hasBlocked(overlay, recipient)));
}

/**
 * What is said to all members of a group: no profile key when one of them is blocked, who would have it back by that.
 * @param blocked all whom this user has blocked
 */
export function ownWordsToGroup(
  overlay: Overlay,
  parts: OwnWordsParts,
  chatId: ChatId,
  members: ReadonlySet<UserId>,
  blocked: readonly Pick<UserRecord, 'id'>[],
): Promise<OwnWords> {
  return wordsIn(overlay, parts, chatId, !blocked.some(({ id }) => members.has(id)));
}

async function wordsIn(
  overlay: Overlay,
  { account, returnsReceipts, now }: OwnWordsParts,
  chatId: ChatId,
  named: boolean,
): Promise<OwnWords> {
  // As the account is in this operation: it may have got another key since its caller was told of it.
  const { profileKey } = (await overlay.get('account', {})) ?? account;
  return {
    profileKey: named ? profileKey : undefined,
    at: now,
    returnsReceipts: givesReceipts(await overlay.get('chat', { id: chatId }), returnsReceipts),
  };
}
