/** Ends a timer; harmless when it already ran or was ended. */
export type CancelTimer = () => void;

/** Runs something later. A pending timer never keeps the process alive by itself. */
export interface Timers {
  /** Once, after `ms` milliseconds. */
  after(ms: number, run: () => void): CancelTimer;
  /** Again and again, `ms` milliseconds apart, until ended. */
  every(ms: number, run: () => void): CancelTimer;
}
