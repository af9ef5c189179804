/** One verification code on its way to a phone. */
export interface CodeMessage {
  /** E.164. */
  readonly number: string;
  /** Digits. */
  readonly code: string;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number;
}

/** Brings verification codes to phones: an SMS gateway, or the console of a developer. */
export interface CodeSender {
  /**
   * Resolves when the gateway has taken the message; that it arrived is not promised.
   * @throws {RelayError} `code-sender-unavailable` (retryable) when the gateway did not take it
   */
  send(message: CodeMessage, options: { readonly signal: AbortSignal }): Promise<void>;
}
