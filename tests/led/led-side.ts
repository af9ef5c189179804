import { flushCompileCache } from 'node:module';
import type { Calls, Question, Saying } from './calls.ts';

/** What a led process does when it is asked. */
export type Answers<Asked extends Calls> = {
  readonly [Name in keyof Asked]: (arg: Asked[Name]['arg']) => Promise<Asked[Name]['value']> | Asked[Name]['value'];
};

/** Says something to the leading process; resolves when the operating system has taken it, so that it is heard even if this process is killed then. */
export function say(saying: Saying): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(saying, undefined, undefined, (error) => (error ? reject(error) : resolve()));
  });
}

let isLeaving = false;

/** After the answer that is being given this process is led no more: it ends by itself, if nothing keeps it alive. */
export function leave(): void {
  isLeaving = true;
}

/** Answers what the leading process asks, and ends with it. */
export function answer<Asked extends Calls>(answers: Answers<Asked>): void {
  // Killed processes leave nothing behind: what the first one has compiled is written down for those after it.
  flushCompileCache();
  process.on('message', ({ call, name, arg }: Question) => {
    // IPC carries the names and arguments of the same `Calls` on both sides.
    const perform = answers[name] as (arg: unknown) => unknown;
    Promise.resolve()
      .then(() => perform(arg))
      .then(
        (value) => say({ answer: call, value }),
        (error: unknown) => say({ answer: call, error: transferred(error) }),
      )
      .then(() => {
        if (isLeaving) process.disconnect();
      })
      .catch(() => process.exit(3));
  });
  process.on('disconnect', () => {
    if (!isLeaving) process.exit(3);
  });
}

function transferred(error: unknown) {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unexpected';
  return {
    code,
    message: error instanceof Error ? `${error.message}${code === 'unexpected' ? error.stack : ''}` : String(error),
  };
}
