/** Milliseconds of a day. */
export const dayMs = 86_400_000;

/** The day of a time: whole days since the Unix epoch, UTC. */
export function dayOf(time: number): number {
  return Math.floor(time / dayMs);
}
