/**
 * How the client stands with the relay: `offline` waits to try again, `catching-up` and `live` are connected, `replaced` and `ended` try no more by themselves.
 */
export type ConnectionState = 'stopped' | 'offline' | 'connecting' | 'catching-up' | 'live' | 'replaced' | 'ended';

/** Why the stream is not connected; docs/events.md says what each means. */
export type OfflineReason =
  | 'unreachable'
  | 'upgrade-refused'
  | 'refused'
  | 'rate-limited'
  | 'timed-out'
  | 'silent'
  | 'broken'
  | 'drain'
  | 'too-slow'
  | 'misbehaved'
  | 'protocol-broken'
  | 'protocol-unsupported'
  | 'message-too-large'
  | 'session-refused'
  | 'handler-failed'
  | 'failed-here';

/** Why it is over: `session-ended` where it is not known why the session has ended; docs/events.md says what each means. */
export type EndReason =
  | 'device-revoked'
  | 'account-replaced'
  | 'account-deleted'
  | 'token-reused'
  | 'session-ended'
  | 'not-registered';
