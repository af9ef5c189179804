import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readActionLog } from '@sotto/testing/checker';
import type { HostStart } from './host-calls.ts';

/** A message that was sent in the life before, and of which that life did not hear whether it is stored. */
export interface UnansweredSend {
  readonly chat: string;
  readonly message: string;
}

/** Where a life of a host writes what it does. */
export function logOf({ logs, host }: Pick<HostStart, 'logs' | 'host'>, life: number): string {
  return join(logs, `${host}-${life}.log`);
}

/** What the life before this one sent under a key without hearing of it, by sender: it is sent again under the same key, as an app does after a crash. */
export function unansweredSends(start: HostStart): ReadonlyMap<string, readonly UnansweredSend[]> {
  const path = logOf(start, start.life - 1);
  const open = new Map<string, { sender: string } & UnansweredSend>();
  if (existsSync(path)) {
    for (const action of readActionLog(path)) {
      if (action.type === 'send-invoke' && isKeyed(action.message)) open.set(action.message, action);
      if (action.type === 'send-result' && action.outcome === 'accepted') open.delete(action.message);
    }
  }
  const bySender = new Map<string, UnansweredSend[]>();
  for (const { sender, chat, message } of open.values()) {
    bySender.set(sender, [...(bySender.get(sender) ?? []), { chat, message }]);
  }
  return bySender;
}

/** Whether a message is sent under a key of its own: every other one is. */
export function isKeyed(message: string): boolean {
  return Number(message.slice(message.lastIndexOf('.') + 1)) % 2 === 0;
}
