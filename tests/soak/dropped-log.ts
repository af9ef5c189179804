import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MessageId } from '@sotto/sdk/ports';
import type { HostStart } from './host-calls.ts';

/** Where all lives of a host write what their devices removed of requests. */
function droppedOf({ logs, host }: Pick<HostStart, 'logs' | 'host'>): string {
  return join(logs, `${host}.dropped`);
}

/** Writes down a message that a device has removed: its sender hears nothing of it any more. */
export function noteDropped(place: Pick<HostStart, 'logs' | 'host'>, id: MessageId): void {
  appendFileSync(droppedOf(place), `\n${id.replaceAll('-', '').toUpperCase()};`);
}

/** The ids of what was removed, as databases print them. */
export function readDropped(place: Pick<HostStart, 'logs' | 'host'>): readonly string[] {
  const path = droppedOf(place);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.flatMap((line) => (line.endsWith(';') ? [line.slice(0, -1)] : []));
}
