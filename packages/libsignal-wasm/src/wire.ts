/** Bytes on a buffer of their own kind, as the native library has them. */
export type Bytes = Uint8Array<ArrayBuffer>;

const missing = 0xffff_ffff;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Names of operations as bytes. */
const operations = new Map<string, Bytes>();

/** Arguments for the library, or an answer: 32-bit little-endian numbers, and byte strings behind their length. */
export class Values {
  /** Of all parts together, in bytes. */
  length = 0;
  private readonly parts: (number | Uint8Array)[] = [];

  /** @throws {RangeError} as the native library does for what is no unsigned 32-bit number */
  u32(value: number): this {
    if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
      throw new RangeError(`cannot convert ${String(value)} to u32`);
    }
    this.parts.push(value);
    this.length += 4;
    return this;
  }

  /** A time in milliseconds, or another number up to 2^53. @throws {RangeError} */
  u64(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError(`cannot convert ${String(value)} to Timestamp (u64)`);
    return this.u32(value % 2 ** 32).u32(Math.floor(value / 2 ** 32));
  }

  flag(value: boolean): this {
    return this.u32(value ? 1 : 0);
  }

  /** @throws {TypeError} */
  bytes(value: Uint8Array): this {
    if (!(value instanceof Uint8Array)) throw new TypeError('failed to downcast any to Uint8Array');
    this.u32(value.length);
    this.parts.push(value);
    this.length += value.length;
    return this;
  }

  text(value: string): this {
    if (typeof value !== 'string') throw new TypeError('failed to downcast any to string');
    return this.bytes(encoder.encode(value));
  }

  optional(value: Uint8Array | null): this {
    return value === null ? this.u32(missing) : this.bytes(value);
  }

  optionalText(value: string | null): this {
    return value === null ? this.u32(missing) : this.text(value);
  }

  optionalU32(value: number | null): this {
    return value === null ? this.u32(0) : this.u32(1).u32(value);
  }

  /** Puts the name of an operation in front. */
  under(operation: string): this {
    let name = operations.get(operation);
    if (name === undefined) {
      name = encoder.encode(operation);
      operations.set(operation, name);
    }
    this.parts.unshift(name.length, name);
    this.length += 4 + name.length;
    return this;
  }

  /** Makes an answer of it: what a store gave, not what it threw. */
  answering(): this {
    this.parts.unshift(0);
    this.length += 4;
    return this;
  }

  /** Writes all parts at the start of a block of `length` bytes. */
  writeTo(block: Uint8Array): void {
    const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
    let at = 0;
    for (const part of this.parts) {
      if (typeof part === 'number') {
        view.setUint32(at, part, true);
        at += 4;
      } else {
        block.set(part, at);
        at += part.length;
      }
    }
  }
}

/** Reads what the library wrote, in the order in which it wrote it. Byte strings are copies. */
export class Fields {
  private readonly source: Uint8Array;
  private readonly view: DataView;
  private at = 0;

  /** @param source is read while the fields are: whoever owns it may wipe it then */
  constructor(source: Uint8Array) {
    this.source = source;
    this.view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  }

  u32(): number {
    const value = this.view.getUint32(this.at, true);
    this.at += 4;
    return value;
  }

  u64(): number {
    return this.u32() + this.u32() * 2 ** 32;
  }

  flag(): boolean {
    return this.u32() !== 0;
  }

  bytes(): Bytes {
    return this.taken(this.u32());
  }

  text(): string {
    return decoder.decode(this.bytes());
  }

  optional(): Bytes | null {
    const length = this.u32();
    return length === missing ? null : this.taken(length);
  }

  optionalText(): string | null {
    const bytes = this.optional();
    return bytes === null ? null : decoder.decode(bytes);
  }

  optionalU32(): number | null {
    return this.flag() ? this.u32() : null;
  }

  private taken(length: number): Bytes {
    if (this.at + length > this.source.length) throw new RangeError('the library wrote less than it said');
    const value = new Uint8Array(length);
    value.set(this.source.subarray(this.at, this.at + length));
    this.at += length;
    return value;
  }
}

/** A time of a message or record, which may say more than a number can hold. @throws {RangeError} as the native library does when it is read */
export function readableTime(value: number): number {
  if (!Number.isSafeInteger(value)) throw new RangeError('a Timestamp (u64) is too large to be a number');
  return value;
}
