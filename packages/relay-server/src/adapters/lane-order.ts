import type { MailAppend, MailOrder, MailReceipt } from '../ports/mailbox.ts';
import { RelayError } from '../relay-error.ts';

/** Why an append may not be stored behind those of its order. */
export function refusalBehind(order: MailOrder | undefined): RelayError | undefined {
  if (order?.broken) {
    return new RelayError(
      'store-unavailable',
      'An earlier send of this lane was not stored: send both again, in order.',
      { retryable: true },
    );
  }
  if (order?.refused) {
    return new RelayError(
      'superseded',
      'An earlier send of this lane was not accepted: settle it, then open a new lane.',
      { retryable: true },
    );
  }
  return undefined;
}

/** It is known who accepts an append: if it was strict and somebody did not accept it, its order ends. */
export function endOrder({ order, strict }: MailAppend, { results }: Pick<MailReceipt, 'results'>): void {
  if (order !== undefined && strict && results.some(({ status }) => status !== 'accepted')) order.refused = true;
}

/** An append has failed: behind one that was refused its order has ended already. */
export function breakOrder(order: MailOrder | undefined): void {
  if (order !== undefined && !order.refused) order.broken = true;
}
