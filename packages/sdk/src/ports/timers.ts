/** Ends a timer; harmless when it already ran or was ended. */
export type CancelTimer = () => void;

/** Runs something later. */
export interface Timers {
  /** Once, after `ms` milliseconds. A pending timer keeps the process alive: the client ends all of its timers in `stop()`. */
  after(ms: number, run: () => void): CancelTimer;
}
