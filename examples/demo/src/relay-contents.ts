import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

/** What the relay keeps for one message that waits: the envelope's bytes. */
export function oneStoredEnvelope(folder: string): { readonly waiting: number; readonly envelope: Uint8Array } {
  const database = new Database(join(folder, 'relay.db'), { readonly: true });
  try {
    const count = database.prepare('SELECT count(*) AS waiting FROM mail').get() as { waiting: number };
    const row = database.prepare('SELECT envelope FROM mail ORDER BY seq DESC LIMIT 1').get() as
      | { envelope: Uint8Array }
      | undefined;
    return { waiting: count.waiting, envelope: row?.envelope ?? new Uint8Array() };
  } finally {
    database.close();
  }
}

/** Whether any file of the relay holds a text. */
export function holdsText(folder: string, text: string): boolean {
  const wanted = Buffer.from(text, 'utf8');
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .some((entry) => readFileSync(join(entry.parentPath, entry.name)).includes(wanted));
}

/** Bytes as people look at them: offset, hex, and what of it is printable. */
export function hexLines(bytes: Uint8Array, lines: number): readonly string[] {
  return Array.from({ length: Math.min(lines, Math.ceil(bytes.length / 16)) }, (_, line) => {
    const part = [...bytes.subarray(line * 16, line * 16 + 16)];
    const hex = part.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const printable = part.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.')).join('');
    return `${(line * 16).toString(16).padStart(4, '0')}  ${hex.padEnd(47)}  ${printable}`;
  });
}
