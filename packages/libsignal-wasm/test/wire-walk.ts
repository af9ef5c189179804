/** The first length-delimited field of this number in a protobuf. */
export function fieldOf(message: Uint8Array, wanted: number): Uint8Array<ArrayBuffer> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const value = varint();
    if ((tag & 7) !== 2) continue;
    if (tag >> 3 === wanted) return Uint8Array.from(message.subarray(at, at + value));
    at += value;
  }
  throw new Error('there is no such field');
}

/** Each byte changed: one bit of it, and all of them. */
export function* flipsOf(bytes: Uint8Array): Generator<Uint8Array<ArrayBuffer>> {
  for (const at of bytes.keys()) {
    for (const mask of [1 << (at % 8), 0xff]) {
      const flipped = Uint8Array.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ mask;
      yield flipped;
    }
  }
}
