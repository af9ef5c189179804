/** How long a recorded receipt answers for its send, in milliseconds: 8 days. */
export const receiptRetentionMs = 8 * 86_400_000;

/** How long it is remembered why a device that is gone has no session any more: 60 days, from the first sweep on. */
export const endedTokenRetentionMs = 60 * 86_400_000;

/** How long a replaced refresh token is remembered, so that its reuse is seen as theft: 60 days. Afterwards it is merely unknown. */
export const replacedTokenRetentionMs = 60 * 86_400_000;
