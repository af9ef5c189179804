import type { UserId } from '../ports/ids.ts';
import type { MailResult } from '../ports/mailbox.ts';

/** The result of a recipient to whom nothing can be stored any more. */
export function goneResult({ userId }: { readonly userId: UserId }): MailResult {
  return { userId, status: 'gone', devices: [] };
}
