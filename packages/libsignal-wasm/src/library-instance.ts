import { type ErrorDetails, LibSignalErrorBase } from './errors.ts';
import { Fields, type Values } from './wire.ts';

/** What an operation came to: its result, or the question to a store that it waits for. */
export type Step =
  | { readonly state: 'done'; readonly fields: Fields }
  | { readonly state: 'asks'; readonly method: string; readonly fields: Fields };

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly __stack_pointer: WebAssembly.Global<'i32'>;
  allocate(length: number): number;
  call(start: number, length: number): number;
  begin(start: number, length: number): number;
  resume(start: number, length: number): number;
  result(): number;
  release(): void;
  live(): number;
}

type Entry = 'call' | 'begin' | 'resume';

const failed = 1;
const asks = 2;

/** How much of the stack is wiped behind each call: more than the deepest of them uses. */
const wipedStack = 192 * 1_024;

/** Memory never shrinks: an instance that has grown beyond this is not used again. */
const largestMemory = 8 * 1_024 * 1_024;

/** One instance of the library. It holds nothing between operations, so that it can be thrown away at any time. */
export class LibraryInstance {
  /** Whether it may be used for another operation: not while one waits for a store, not after a trap, and not when it has grown. */
  isReusable = true;
  private readonly exports: Exports;

  constructor(module: WebAssembly.Module) {
    const host = { fill_random: (start: number, length: number) => this.fillRandom(start, length) };
    this.exports = new WebAssembly.Instance(module, { host }).exports as unknown as Exports;
  }

  /** Runs what needs no store. @throws {LibSignalErrorBase} */
  call<T>(operation: string, values: Values, read: (fields: Fields) => T): T {
    return this.enter('call', operation, values.under(operation), (step) => read(step.fields));
  }

  /** Begins what may ask stores: `resume` is given the answers until it is done. @throws {LibSignalErrorBase} */
  begin<T>(operation: string, values: Values, read: (step: Step) => T): T {
    return this.enter('begin', operation, values.under(operation), read);
  }

  /** Goes on with the answer of a store. @throws {LibSignalErrorBase} */
  resume<T>(operation: string, answer: Values, read: (step: Step) => T): T {
    return this.enter('resume', operation, answer, read);
  }

  /** How many bytes the library has allocated. */
  live(): number {
    return this.exports.live();
  }

  /** Overwrites the memory, of an instance that is not used again. */
  wipe(): void {
    this.isReusable = false;
    new Uint8Array(this.exports.memory.buffer).fill(0);
  }

  private enter<T>(entry: Entry, operation: string, values: Values, read: (step: Step) => T): T {
    const { exports } = this;
    this.isReusable = false;
    let response: Uint8Array;
    try {
      const start = exports.allocate(values.length);
      values.writeTo(this.block(start, values.length));
      const length = exports[entry](start, values.length);
      response = this.block(exports.result(), length);
    } catch (error) {
      this.wipe();
      throw stopped(operation, error);
    }
    const fields = new Fields(response);
    const status = fields.u32();
    try {
      if (status === failed) throw failure(operation, fields);
      return read(status === asks ? { state: 'asks', method: fields.text(), fields } : { state: 'done', fields });
    } finally {
      exports.release();
      this.wipeStack();
      this.isReusable = status !== asks && exports.memory.buffer.byteLength <= largestMemory;
    }
  }

  /** The stack grows downwards from where it begins to 0. */
  private wipeStack(): void {
    const top = this.exports.__stack_pointer.value;
    new Uint8Array(this.exports.memory.buffer, Math.max(0, top - wipedStack), Math.min(top, wipedStack)).fill(0);
  }

  private block(start: number, length: number): Uint8Array {
    return new Uint8Array(this.exports.memory.buffer, start >>> 0, length >>> 0);
  }

  private fillRandom(start: number, length: number): void {
    const limit = 65_536;
    for (let at = 0; at < length; at += limit) {
      crypto.getRandomValues(this.block(start + at, Math.min(limit, length - at)) as Uint8Array<ArrayBuffer>);
    }
  }
}

function failure(operation: string, fields: Fields): LibSignalErrorBase {
  const name = fields.text();
  return new LibSignalErrorBase(fields.text(), name, operation, details(name, fields));
}

function details(name: string, fields: Fields): ErrorDetails {
  switch (name) {
    case 'UntrustedIdentity':
      return { name: fields.text() };
    case 'InvalidRegistrationId':
    case 'InvalidProtocolAddress':
      return { name: fields.text(), deviceId: fields.u32() };
    case 'InvalidSenderKeySession':
      return { distributionId: fields.text() };
    default:
      return {};
  }
}

/** A trap: the operation is lost, and nothing else, since the instance is thrown away. */
function stopped(operation: string, cause: unknown): LibSignalErrorBase {
  const error = new LibSignalErrorBase('internal error: the library stopped at this input', '', operation);
  error.cause = cause;
  return error;
}
