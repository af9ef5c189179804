import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Envelope } from '@sotto/proto';
import Database from 'better-sqlite3';

const sliceBytes = 24;

/** The ciphertexts of all mail that a relay holds, read from its database beside it. */
export function storedCiphertexts(data: string): readonly Uint8Array[] {
  const database = new Database(join(data, 'relay.db'), { readonly: true });
  try {
    return database
      .prepare<[], { envelope: Buffer }>('SELECT envelope FROM mail ORDER BY seq')
      .all()
      .map(({ envelope }) => Envelope.decode(envelope).ciphertext);
  } finally {
    database.close();
  }
}

/** The parts of bytes that make them known again, wherever a page or a frame may cut them. */
export function slicesOf(bytes: Uint8Array): readonly Buffer[] {
  const whole = Buffer.from(bytes);
  const slices: Buffer[] = [];
  for (let at = 0; at + sliceBytes <= whole.length; at += sliceBytes) slices.push(whole.subarray(at, at + sliceBytes));
  return slices;
}

/** Whether any of the slices stands in bytes: raw, or as text in one of the usual codings. */
export function holdsAny(bytes: Buffer, slices: readonly Buffer[]): boolean {
  return slices.some(
    (slice) =>
      bytes.includes(slice) || bytes.includes(slice.toString('hex')) || bytes.includes(slice.toString('base64url')),
  );
}

/** The files of a folder, at any depth, that hold a slice. */
export function filesWith(folder: string, slices: readonly Buffer[]): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => holdsAny(readFileSync(path), slices));
}
