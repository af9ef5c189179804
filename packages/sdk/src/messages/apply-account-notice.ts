import { openNumber } from '../accounts/sealed-number.ts';
import { type Applied, type Arrival, nothingDue } from './arrival.ts';

/**
 * Applies the word of a contact that their number is another one: the old one is not theirs any more.
 *
 * The new one is theirs only once the relay says so too, which is asked after the commit: nobody may pass for the owner of a number by saying so. Who never knew the old number learns nothing.
 */
export async function applyAccountNotice({ overlay, sender, content, now }: Arrival): Promise<Applied> {
  const user = await overlay.get('user', { id: sender.userId });
  if (user === undefined || user.number === '') return nothingDue;
  const number = openNumber(content.accountNotice?.sealedNumber ?? new Uint8Array(), user.number);
  if (number === undefined || number === user.number) return nothingDue;
  overlay.put('user', { ...user, number: '', updatedAt: now });
  overlay.record({ type: 'contact.number-changed', userId: user.id, number });
  return nothingDue;
}
