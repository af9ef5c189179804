const numberLength = 8;
const longestText = 1_024;

/** Writes what nodes say to each other: numbers as doubles, texts in UTF-8 behind their length. */
export class FieldWriter {
  readonly #parts: Uint8Array[] = [];

  byte(value: number): void {
    this.#parts.push(Uint8Array.of(value));
  }

  number(value: number): void {
    const bytes = Buffer.alloc(numberLength);
    bytes.writeDoubleBE(value);
    this.#parts.push(bytes);
  }

  text(value: string): void {
    const bytes = Buffer.from(value);
    if (bytes.length > longestText) throw new RangeError(`a name between nodes has at most ${longestText} bytes`);
    this.#parts.push(Uint8Array.of(bytes.length >>> 8, bytes.length), bytes);
  }

  /** At most 255 bytes each of which says something by itself. */
  bytes(values: ArrayLike<number>): void {
    if (values.length > 255) throw new RangeError('a list between nodes has at most 255 bytes');
    this.#parts.push(Uint8Array.of(values.length), Uint8Array.from(values));
  }

  rest(bytes: Uint8Array): void {
    this.#parts.push(bytes);
  }

  done(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

/** Reads what a `FieldWriter` wrote, and nothing else. Gives anything once it has failed: only `isDone` says that all that was given was there. */
export class FieldReader {
  readonly #bytes: Buffer;
  #at = 0;
  #failed = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Whether every field was there, and nothing more. */
  get isDone(): boolean {
    return !this.#failed && this.#at === this.#bytes.length;
  }

  byte(): number {
    return this.#take(1)[0] ?? 0;
  }

  flag(): boolean {
    const value = this.byte();
    if (value > 1) this.#failed = true;
    return value === 1;
  }

  /** A whole number that a double holds exactly. */
  whole(least = 0): number {
    const bytes = this.#take(numberLength);
    const value = this.#failed ? 0 : bytes.readDoubleBE();
    // -0 is none that was written.
    if (!Number.isSafeInteger(value) || value < least || Object.is(value, -0)) this.#failed = true;
    return value;
  }

  text(): string {
    const length = this.byte() * 256 + this.byte();
    if (length > longestText) this.#failed = true;
    const bytes = this.#take(length);
    const text = bytes.toString();
    if (!Buffer.from(text).equals(bytes)) this.#failed = true;
    return text;
  }

  bytes(): Uint8Array {
    return this.#take(this.byte());
  }

  rest(): Uint8Array {
    return this.#take(this.#bytes.length - this.#at);
  }

  #take(length: number): Buffer {
    if (this.#failed || length > this.#bytes.length - this.#at) {
      this.#failed = true;
      return Buffer.alloc(0);
    }
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}
