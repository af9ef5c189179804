import { toMessage } from '../messages/message.ts';
import type { EventFact } from '../ports/event-records.ts';
import type { Store } from '../ports/store.ts';
import type { SottoEvent } from './event.ts';

/** Makes the event of a fact, with its message as it is now; `undefined` when the message is gone. */
export async function hydrate(fact: EventFact, store: Store): Promise<SottoEvent | undefined> {
  if (fact.type === 'account.deleted') return { ...fact, confirmed: fact.confirmed ?? true };
  if (!('messageId' in fact)) return fact;
  const record = await store.get('message', { id: fact.messageId });
  if (record === undefined) return undefined;
  const message = toMessage(record);
  switch (fact.type) {
    case 'message.received': {
      const { type, late, newIdentity = false, request = false, muted = false } = fact;
      return { type, message, late, newIdentity, request, muted };
    }
    case 'message.failed':
      return { type: fact.type, message, code: fact.code };
    case 'message.sent':
    case 'message.expired':
      return { type: fact.type, message, userId: fact.userId, at: fact.at };
    default:
      return { type: fact.type, message, userId: fact.userId, at: fact.at };
  }
}
