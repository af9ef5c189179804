import type { Clock } from '../ports/clock.ts';
import type { Runner } from './runner.ts';

/** A clock that stands still until it is set. */
export interface SettableClock extends Clock {
  /** Milliseconds since the Unix epoch. */
  set(now: number): void;
}

/** What not every adapter can show: `reopen` = its data outlives it, `files` = what it stores can be read raw. */
export type Capability = 'reopen' | 'files';

/** One fresh adapter under test, with what a suite needs around it. */
export interface Harness<Stores> {
  /** The stores now: others after `reopen`. */
  readonly stores: Stores;
  readonly clock: SettableClock;
  /** Closes the stores and opens them again on the same data, like a restart. */
  reopen(): Promise<void>;
  /** All that the adapter has stored, raw: every file, log and temporary one. */
  files(): Promise<readonly Uint8Array[]>;
  close(): Promise<void>;
}

/** Makes harnesses, one for each case. */
export interface HarnessMaker<Stores> {
  /** Why a capability is missing; the cases that need it are skipped with this reason. */
  readonly missing: { readonly [capability in Capability]?: string };
  open(): Promise<Harness<Stores>>;
}

/** Declares the cases of one suite. */
export interface Suite<Stores> {
  check(name: string, body: (harness: Harness<Stores>) => Promise<void>): void;
  /** A case that needs a capability. */
  checkWith(capability: Capability, name: string, body: (harness: Harness<Stores>) => Promise<void>): void;
}

/** Declares a suite: each case gets a harness of its own, which is closed whatever happens. */
export function suite<Stores>(
  { describe, it }: Runner,
  name: string,
  maker: HarnessMaker<Stores>,
  declare: (cases: Suite<Stores>) => void,
): void {
  const run = (body: (harness: Harness<Stores>) => Promise<void>) => async () => {
    const harness = await maker.open();
    try {
      await body(harness);
    } finally {
      await harness.close();
    }
  };
  describe(name, () => {
    declare({
      check: (title, body) => it(title, run(body)),
      checkWith: (capability, title, body) => {
        const reason = maker.missing[capability];
        if (reason === undefined) it(title, run(body));
        else it.skip(`${title} (skipped: ${reason})`, run(body));
      },
    });
  });
}

/** The code of the error that a promise rejects with; `undefined` when it resolves. */
export async function refusalOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
}

/** Bytes in a form that any runner compares and prints. */
export function hex(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString('hex');
}

/** Whether raw files hold these bytes anywhere. */
export function holds(files: readonly Uint8Array[], bytes: Uint8Array): boolean {
  return files.some((file) => Buffer.from(file.buffer, file.byteOffset, file.length).includes(Buffer.from(bytes)));
}
