/**
 * When an access token is to be replaced, by this device's clock: a little before the relay stops taking it.
 *
 * Only a way to spare a round trip: a clock that is wrong or jumps costs one more, since a refused token is replaced too.
 */
export function accessExpiry(now: number, expiresInMs: number): number {
  return now + expiresInMs - Math.min(60_000, expiresInMs / 10);
}
