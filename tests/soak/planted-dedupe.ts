import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { Mailbox } from '@sotto/relay-server/ports';
import { acceptedByAll, withAppend } from './planted-result.ts';

/**
 * A planted bug: the relay knows a repeated send by its id only, noted when the send came, and not by what it has stored for it.
 * @param path where the ids are noted, over restarts
 */
export function dedupeByIdOnly(mailbox: Mailbox, path: string): Mailbox {
  const known = new Set(existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []);
  return withAppend(mailbox, async (append, quota) => {
    const id = `${append.sender?.userId ?? 'sealed'} ${Buffer.from(append.sendId).toString('hex')}`;
    if (!known.has(id)) {
      known.add(id);
      appendFileSync(path, `${id}\n`);
      return mailbox.append(append, quota);
    }
    return { ...acceptedByAll(append), repeated: true };
  });
}
