/** How much a group holds. Everybody evaluates by the same numbers: another number is another group. */
export const groupLimits = {
  members: 1_024,
  requests: 256,
  titleCodePoints: 25,
  operations: 32,
  recordBytes: 256 * 1024,
  keysAtOnce: 64,
} as const;

/** The lengths of ids, keys and hashes, in bytes. */
export const groupBytes = {
  wireId: 32,
  head: 32,
  key: 32,
  commitment: 32,
  proof: 32,
  inviteId: 16,
  avatarLocation: 32,
  rootKey: 33,
} as const;

/** The rules that this version evaluates by. A group is created under some rules, and keeps them. */
export const groupRulesVersion = 1;
