/** Lets the process end by itself, and ends it after a second when something still holds it: a client of an engine that refused this relay leaves connections open. */
export function endInTime(): void {
  setTimeout(() => process.exit(), 1000).unref();
}
