import { readFileSync, writeFileSync } from 'node:fs';

const largestLine = 65_536;

/** A file that can't be sent as it is, or not be written to; the message says what to do. */
export class LineFileError extends Error {
  override readonly name = 'LineFileError';
}

/**
 * The lines of a UTF-8 text file that are not blank, in order, without their line ends.
 *
 * Everything is checked before anything is sent.
 * @throws {LineFileError} when it can't be read or has no such line; with the number of the line that is over 64 KiB, holds NUL or is not UTF-8
 */
export function readLines(path: string): readonly string[] {
  const lines = linesOf(bytesOf(path));
  if (lines.length === 0) throw new LineFileError(`${path} has no lines to send: name a text file that has some`);
  return lines;
}

/**
 * Makes the file that what arrives is written to, empty.
 * @throws {LineFileError} when it can't be written
 */
export function makeEmpty(path: string): void {
  try {
    writeFileSync(path, '');
  } catch (cause) {
    throw new LineFileError(`${path} can not be written: name a file in a folder that is there by --received`, {
      cause,
    });
  }
}

function bytesOf(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new LineFileError(`${path} can not be read: name a text file by --messages`, { cause });
  }
}

/** The same for bytes. */
export function linesOf(bytes: Uint8Array): readonly string[] {
  const lines: string[] = [];
  let start = 0;
  for (let number = 1; start < bytes.length; number++) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.length : newline;
    const line = checkedLine(bytes.subarray(start, end), number);
    if (line.trim() !== '') lines.push(line);
    start = end + 1;
  }
  return lines;
}

function checkedLine(bytes: Uint8Array, number: number): string {
  if (bytes.length > largestLine) {
    throw new LineFileError(
      `line ${number} has ${bytes.length} bytes: a message has at most ${largestLine}, so split it`,
    );
  }
  if (bytes.includes(0)) throw new LineFileError(`line ${number} holds a NUL: give a text file`);
  try {
    // The byte order mark stays: what arrives must be what was given.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new LineFileError(`line ${number} is not UTF-8: convert the file`, { cause });
  }
}
