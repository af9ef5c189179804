import { Reader } from 'protobufjs/minimal.js';
import { ProtoError } from './proto-error.ts';

/**
 * Reads the protobuf wire format with two rules of ours: unknown fields are kept, and a 64-bit number that JavaScript can't hold exactly is refused, never rounded.
 * @throws {ProtoError} `number-out-of-range` above 2^53 - 1
 */
export class BoundedReader extends Reader {
  constructor(bytes: Uint8Array) {
    super(bytes);
    this.discardUnknown = false;
  }

  // The library types 64-bit values as Long; the generated code takes numbers (--force-number), so a number is what it gets.
  override uint64(): ReturnType<Reader['uint64']> {
    return this.boundedVarint() as unknown as ReturnType<Reader['uint64']>;
  }

  private boundedVarint(): number {
    let value = 0;
    let weight = 1;
    for (let read = 0; read < 10; read++) {
      const byte = this.buf[this.pos];
      if (byte === undefined || this.pos >= this.len) throw new RangeError('index out of range');
      this.pos++;
      value += (byte & 127) * weight;
      weight *= 128;
      if (byte < 128) {
        if (value > Number.MAX_SAFE_INTEGER) {
          throw new ProtoError('number-out-of-range', 'a 64-bit field holds more than 2^53 - 1');
        }
        return value;
      }
    }
    throw new RangeError('invalid varint encoding');
  }
}
