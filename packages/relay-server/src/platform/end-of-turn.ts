/** Runs something when the current turn of the event loop has handled what came in. */
export type Schedule = (run: () => void) => void;

/** The event loop's own: after input was polled, before the next timers. */
export const endOfTurn: Schedule = (run) => {
  setImmediate(run);
};
