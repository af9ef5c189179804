/** What something took. */
export interface Lap {
  readonly ms: number;
  /** CPU time of this process, all threads. */
  readonly cpuMs: number;
}

/** Measures time and the CPU time that this process used meanwhile. */
export class Stopwatch {
  private readonly began = performance.now();
  private readonly cpuBefore = process.cpuUsage();

  /** Since it was made. */
  lap(): Lap {
    const { user, system } = process.cpuUsage(this.cpuBefore);
    return { ms: performance.now() - this.began, cpuMs: (user + system) / 1_000 };
  }
}

/** How often a second, by time and by CPU time. */
export function speeds(count: number, laps: readonly Lap[]): { readonly wall: number; readonly cpu: number } {
  const sum = (of: (lap: Lap) => number) => laps.reduce((total, lap) => total + of(lap), 0);
  return { wall: (count / sum(({ ms }) => ms)) * 1_000, cpu: (count / sum(({ cpuMs }) => cpuMs)) * 1_000 };
}
