import { artefact } from './generated/artefact.ts';
import { LibraryInstance, type Step } from './library-instance.ts';
import { type Fields, Values } from './wire.ts';

/** Instances that are kept for the next operation. More are made while more operations run, and thrown away behind them. */
const idleKept = 4;

let compiled: WebAssembly.Module | undefined;
const idle: LibraryInstance[] = [];

/**
 * Compiles the library beside the caller's thread. Whoever does not wait for it pays for that at the first use, with some tens of milliseconds in which the thread stands still.
 */
export async function ready(): Promise<void> {
  compiled ??= await WebAssembly.compile(artefact());
  give(take());
}

/** Runs what needs no store. @throws {LibSignalErrorBase} */
export function call<T>(operation: string, values: Values, read: (fields: Fields) => T): T {
  const instance = take();
  try {
    return instance.call(operation, values, read);
  } finally {
    give(instance);
  }
}

/** Answers what an operation asks of a store. */
export type Answer = (method: string, fields: Fields) => Promise<Values>;

/**
 * Runs what asks stores. The instance is this operation's alone until it is done.
 *
 * What a store throws reaches the operation as words, as in the native library.
 * @throws {LibSignalErrorBase}
 */
export async function operate<T>(
  operation: string,
  values: Values,
  answer: Answer,
  read: (fields: Fields) => T,
): Promise<T> {
  const instance = take();
  const next = (step: Step): { readonly answer: Promise<Values> } | { readonly result: T } =>
    step.state === 'asks' ? { answer: answered(answer, step) } : { result: read(step.fields) };
  try {
    let step = instance.begin(operation, values, next);
    while ('answer' in step) step = instance.resume(operation, await step.answer, next);
    return step.result;
  } finally {
    give(instance);
  }
}

/** An answer behind its flag. The fields are read before the first wait: what they stand in is overwritten then. */
async function answered(answer: Answer, step: Extract<Step, { state: 'asks' }>): Promise<Values> {
  try {
    return (await answer(step.method, step.fields)).answering();
  } catch (error) {
    return new Values().u32(1).text(String(error));
  }
}

/** How many instances wait for an operation, and how many bytes are allocated in them: for tests. */
export function idleInstances(): { readonly count: number; readonly live: readonly number[] } {
  return { count: idle.length, live: idle.map((instance) => instance.live()) };
}

function take(): LibraryInstance {
  compiled ??= new WebAssembly.Module(artefact());
  return idle.pop() ?? new LibraryInstance(compiled);
}

function give(instance: LibraryInstance): void {
  if (instance.isReusable && idle.length < idleKept) idle.push(instance);
  else instance.wipe();
}
