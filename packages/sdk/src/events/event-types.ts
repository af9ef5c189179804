import { demand } from '../option-rules.ts';
import type { EventType } from './event.ts';

/** A type that the union gains is missing here until it compiles. */
const eventTypes: Readonly<Record<EventType, true>> = {
  'message.received': true,
  'message.sent': true,
  'message.delivered': true,
  'message.read': true,
  'message.expired': true,
  'message.failed': true,
  'envelope.held': true,
  'envelope.dropped': true,
  'chat.created': true,
  'chat.read': true,
  'chat.changed': true,
  'chat.removed': true,
  'contact.blocked': true,
  'contact.unblocked': true,
  'identity.changed': true,
  'device-list.forked': true,
  'profile.changed': true,
  'contact.number-changed': true,
  'group.changed': true,
  'group.forked': true,
  'group.waiting': true,
  'group.requested': true,
  'device.linked': true,
  'device.removed': true,
  'account.deleted': true,
  'connection.changed': true,
  'typing.changed': true,
  'presence.changed': true,
};

/**
 * Holds a type to those that there are.
 * @throws {SottoError} `argument-invalid`
 */
export function checkEventType(type: EventType): void {
  if (typeof type === 'string' && Object.hasOwn(eventTypes, type)) return;
  demand(false, `there is no event of this type: take one of ${Object.keys(eventTypes).join(', ')}`);
}
