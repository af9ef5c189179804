/** The longest time that Node's timers take, in milliseconds. */
const longestMs = 2 ** 31 - 1;

/** Keeps the process alive until what it gives is called: the relay's own timers and some connections do not, and Node would end in the middle of a wait. */
export function keepAlive(): () => void {
  const timer = setInterval(() => undefined, longestMs);
  return () => clearInterval(timer);
}
