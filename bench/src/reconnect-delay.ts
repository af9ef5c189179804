const firstMs = 500;
const longestMs = 60_000;

/**
 * How long a client waits before it connects again, as the SDK does (packages/sdk/src/transport/connection-machine.ts): anything up to half a second, twice as much after each failure, a minute at most.
 * @param share 0 up to 1, random
 */
export function reconnectDelayMs(failures: number, share: number): number {
  return Math.round(Math.min(longestMs, firstMs * 2 ** Math.min(failures, 16)) * share);
}
