/** Which way a message goes. */
export type Direction = 'up' | 'down';

/**
 * What becomes of one message of a stream.
 *
 * TCP loses no single message, so a `lost` one takes its connection along. `twice` and `swapped` (with the message after it) are more than TCP does: a hostile network, or a broken proxy.
 */
export type MessageFate = 'passed' | 'lost' | 'twice' | 'swapped';

/** What becomes of one HTTP request: it never comes, its answer never comes back, or all is well. */
export type RequestFate = 'passed' | 'request-lost' | 'answer-lost';

/**
 * How a user's line is.
 *
 * `half-open`: what is sent into it vanishes and neither side is told. `down`: there is no connection and none can be made.
 */
export type LineState = 'up' | 'half-open' | 'down';
