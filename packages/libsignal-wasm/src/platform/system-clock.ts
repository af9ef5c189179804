/** The time of this machine: where a caller gives none, as the native library does. */
export function systemTime(): Date {
  return new Date();
}
