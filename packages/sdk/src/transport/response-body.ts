import type { Fetch } from '../ports/platform.ts';
import { SottoError } from '../sotto-error.ts';

/**
 * Reads the body of an answer up to a limit.
 * @throws {SottoError} `relay-misbehaved` when it is longer; the rest is not read
 */
export async function readBody(answer: Awaited<ReturnType<Fetch>>, maxBytes: number): Promise<Uint8Array> {
  if (answer.body === null) return new Uint8Array();
  const reader = answer.body.getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return joined(parts, length);
    if (value === undefined) continue;
    length += value.length;
    if (length > maxBytes) {
      await reader.cancel();
      throw new SottoError(
        'relay-misbehaved',
        'the answer was too long for a Sotto relay: check the address of the relay',
      );
    }
    parts.push(value);
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = parts;
  if (parts.length === 1 && first) return first;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
