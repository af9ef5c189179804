import type { FuzzRandom } from './fuzz-random.ts';

/** Something that takes bytes from somebody it can't trust. */
export interface FuzzTarget extends Partial<AsyncDisposable> {
  readonly name: string;
  /** Good inputs: what mutations begin with. */
  seeds(): readonly Uint8Array[];
  /** An input of the target's grammar: mostly right, with what a grammar allows and nobody sends. */
  generate(random: FuzzRandom): Uint8Array;
  /** Takes one input. Throws when something that must hold does not; a refusal that is typed is as it should be. */
  run(input: Uint8Array): void | Promise<void>;
  /** Looks at what shows after many inputs only: whether others are still served. */
  settle?(): Promise<void>;
}

/** An input that did harm. */
export interface FuzzFinding {
  readonly target: string;
  readonly input: Uint8Array;
  readonly error: unknown;
}
