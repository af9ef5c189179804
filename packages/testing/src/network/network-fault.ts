/** Which way a message goes. */
export type Direction = (typeof directions)[number];

/** Both. */
export const directions = ['up', 'down'] as const;

/**
 * What becomes of one message of a stream.
 *
 * TCP loses no single message, so a `lost` one takes its connection along. `twice` and `swapped` (with the message after it) are more than TCP does: a hostile network, or a broken proxy.
 */
export type MessageFate = (typeof messageFates)[number];

/** All that there are. */
export const messageFates = ['passed', 'lost', 'twice', 'swapped'] as const;

/** What becomes of one HTTP request: it never comes, its answer never comes back, or all is well. */
export type RequestFate = (typeof requestFates)[number];

/** All that there are. */
export const requestFates = ['passed', 'request-lost', 'answer-lost'] as const;

/**
 * How a user's line is.
 *
 * `half-open`: what is sent into it vanishes and neither side is told. `down`: there is no connection and none can be made.
 */
export type LineState = 'up' | 'half-open' | 'down';
