/** That an engine does what it is there for: resolves to what it said in a few words, and throws what went wrong. */
export type Probe = () => Promise<string>;

/**
 * Runs a probe once, for a bounded time. A client that is still at it then is left to itself: the process that asked ends soon.
 * @throws what the probe threw, or that it did not answer in time
 */
export async function probed(probe: Probe, timeoutMs: number): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
  });
  try {
    return await Promise.race([probe(), late]);
  } finally {
    clearTimeout(timer);
  }
}
