/** What stands in the pins in place of a registry's address. */
const place = 'source = "registry"';
const line = /^source = "registry\+[^"]*"$/;

/** A Cargo.lock without the address of its registry: what the repository keeps. Versions and checksums of all crates stay. */
export function pinsOf(lock: string): string {
  return lock
    .split('\n')
    .map((text) => (line.test(text) ? place : text))
    .join('\n');
}

/** The Cargo.lock of the pins, with the registry as the cargo at hand writes it into another lock. */
export function lockOf(pins: string, otherLock: string): string {
  const source = otherLock.split('\n').find((text) => line.test(text));
  if (source === undefined) throw new Error('cargo wrote a lock without a registry');
  return pins.replaceAll(place, source);
}
