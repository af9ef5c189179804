/** Gives the access token of this device. */
export interface TokenSource {
  /**
   * A token that should work now; refreshed before when it has run out by the clock.
   * @throws {SottoError} `not-registered`, `session-ended`, and what the relay or the store make of a refresh
   */
  accessToken(signal?: AbortSignal): Promise<string>;
  /**
   * A token in place of one that the relay refused: refreshed, unless another one is in use by now.
   * @throws {SottoError} as `accessToken`
   */
  replace(refused: string, signal?: AbortSignal): Promise<string>;
}
