/** No timer of Node reaches further, 2^31 - 1 ms: a longer one would run at once. */
export const longestTimerMs = 2_147_483_647;
