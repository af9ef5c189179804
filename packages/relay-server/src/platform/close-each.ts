import { RelayError } from '../relay-error.ts';

/**
 * Takes all steps of an end, one after the other, whatever fails on the way: nothing is left open behind a step that failed.
 *
 * @throws what failed; of several an error with what each of them says, and an `AggregateError` of them all, as its cause when they are all {@link RelayError}s (the code is that of the first)
 */
export async function closeEach(steps: readonly (() => unknown)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length === 0) return;
  throw failures.length === 1 ? failures[0] : allOf(failures);
}

function allOf(failures: readonly unknown[]): Error {
  const messages = failures.map((failure) => (failure instanceof Error ? failure.message : String(failure)));
  const message = [...new Set(messages)].join(' ');
  const all = new AggregateError(failures, message);
  const [first] = failures;
  if (!(first instanceof RelayError && failures.every((failure) => failure instanceof RelayError))) return all;
  const retryable = failures.every((failure) => failure instanceof RelayError && failure.retryable);
  return new RelayError(first.code, message, { retryable, cause: all });
}
