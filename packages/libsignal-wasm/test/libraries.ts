import * as native from '@signalapp/libsignal-client';
import { PinHash } from '@signalapp/libsignal-client/dist/AccountKeys.js';
import * as wasm from '../src/index.ts';

/** What both libraries offer under the same names. */
export type Library = Omit<typeof wasm, 'ready'>;

/** A library, and what a test calls it. */
export interface NamedLibrary {
  readonly name: 'native' | 'wasm';
  readonly library: Library;
}

// Their classes are apart for the compiler, since each has private fields of its own; the tests show that they are the same.
export const nativeLibrary: NamedLibrary = {
  name: 'native',
  library: { ...native, PinHash } as unknown as Library,
};

export const wasmLibrary: NamedLibrary = { name: 'wasm', library: wasm };

/** Who sends to whom: each library to itself, and to the other. */
export const pairs: readonly (readonly [NamedLibrary, NamedLibrary])[] = [
  [nativeLibrary, wasmLibrary],
  [wasmLibrary, nativeLibrary],
  [wasmLibrary, wasmLibrary],
];
