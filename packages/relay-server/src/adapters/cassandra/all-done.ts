/**
 * Waits for several things that run at once, also when one of them fails: nothing is still being written when its failure is acted upon.
 * @throws what the first of them to be named was rejected with
 */
export async function allDone<T extends readonly unknown[]>(
  work: readonly [...T],
): Promise<{ -readonly [index in keyof T]: Awaited<T[index]> }> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
