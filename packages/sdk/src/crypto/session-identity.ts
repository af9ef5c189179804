const lengthDelimited = 2;
const recordCurrent = 1;
const stateLocalIdentity = 2;

/**
 * The own identity key under which the session that would be sent on was made: 33 bytes, read from libsignal's serialised record (`RecordStructure.current_session.local_identity_public`), since its interface does not tell. Undefined when it does not stand there.
 *
 * An own identity key that was replaced is told from the new one by this: what comes on a session of before makes that one the current one again.
 */
export function localIdentityOf(record: Uint8Array): Uint8Array | undefined {
  const current = field(record, recordCurrent);
  return current && field(current, stateLocalIdentity);
}

/** The first length-delimited field of this number. */
function field(bytes: Uint8Array, wanted: number): Uint8Array | undefined {
  let at = 0;
  while (at < bytes.length) {
    const tag = varint(bytes, at);
    const value = tag && varint(bytes, tag.next);
    if (tag === undefined || value === undefined) return undefined;
    const type = tag.value & 7;
    if (type !== lengthDelimited && type !== 0) return undefined;
    const end = type === lengthDelimited ? value.next + value.value : value.next;
    if (type === lengthDelimited && tag.value >> 3 === wanted) {
      return end <= bytes.length ? bytes.subarray(value.next, end) : undefined;
    }
    at = end;
  }
  return undefined;
}

function varint(bytes: Uint8Array, at: number): { readonly value: number; readonly next: number } | undefined {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = bytes[at++];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return { value, next: at };
  }
  return undefined;
}
