/** Somebody who wants a verification code sent. */
export interface ChallengeRequest {
  /** What the client answered to a challenge; `undefined` when it presented nothing. At most 4,096 characters. */
  readonly answer: string | undefined;
  /** What the client is counted by: an IPv4 address or the /64 of an IPv6 one; `undefined` when it has none. */
  readonly network: string | undefined;
  /** Of the number, ISO 3166-1 alpha-2; `undefined` when it belongs to none. */
  readonly country: string | undefined;
}

/**
 * `passed`: the code may be sent. `required`: this client has to solve a challenge, or another one: what it presented is missing, wrong or used.
 */
export type ChallengeVerdict = 'passed' | 'required';

/** Tells people from machines before a code is paid for: a captcha service, a proof of work. Asked for each code, with or without an answer. */
export interface ChallengeCheck {
  /** @throws {RelayError} `code-sender-unavailable` (retryable) when it can not tell now: no code is sent */
  check(request: ChallengeRequest, options: { readonly signal: AbortSignal }): Promise<ChallengeVerdict>;
}
