import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

/** What the relay keeps for messages that wait: how many, how many of those are parts of one that a group shares, and the bytes of the last one that is whole. */
export function oneStoredEnvelope(folder: string): {
  readonly waiting: number;
  readonly shared: number;
  readonly envelope: Uint8Array;
} {
  const database = new Database(join(folder, 'relay.db'), { readonly: true });
  try {
    const count = database.prepare('SELECT count(*) AS waiting, count(shared) AS shared FROM mail').get() as {
      waiting: number;
      shared: number;
    };
    const row = database.prepare('SELECT envelope FROM mail WHERE shared IS NULL ORDER BY seq DESC LIMIT 1').get() as
      | { envelope: Uint8Array }
      | undefined;
    return { ...count, envelope: row?.envelope ?? new Uint8Array() };
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
