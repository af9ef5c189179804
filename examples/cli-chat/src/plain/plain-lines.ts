import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { InputEndedError } from './input-ended-error.ts';

/** Lines in, lines out, and what concerns the program on another way. */
export class PlainLines {
  private readonly reader: Interface;
  private readonly lines: AsyncIterator<string>;
  private readonly output: Writable;
  private readonly errors: Writable;

  constructor(input: Readable, output: Writable, errors: Writable) {
    this.reader = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
    this.lines = this.reader[Symbol.asyncIterator]();
    this.output = output;
    this.errors = errors;
  }

  /** The next line, or `undefined` at the end of the input. */
  async next(): Promise<string | undefined> {
    const { done, value } = await this.lines.next();
    return done ? undefined : value;
  }

  /** Asks for a line. @throws {InputEndedError} */
  async ask(what: string): Promise<string> {
    this.warn(what);
    const line = await this.next();
    if (line === undefined) throw new InputEndedError(`the input ended before an answer to: ${what}`);
    return line.trim();
  }

  /** Prints what came; clean text. */
  print(text: string): void {
    this.output.write(`${text}\n`);
  }

  /** Says what is not a message: to the errors, so that a pipe carries messages alone. */
  warn(text: string): void {
    this.errors.write(`chat: ${text}\n`);
  }

  close(): void {
    this.reader.close();
  }
}
