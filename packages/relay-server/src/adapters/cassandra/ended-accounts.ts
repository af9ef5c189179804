import type { UserId } from '../../ports/ids.ts';
import type { EndedAmong } from './group-store.ts';
import type { Users } from './users.ts';

/** How many accounts are looked at at once. */
const accountsAtOnce = 64;

/** Which of some accounts have ended: those whose end is decided, though their rows may not say so yet, and those whose rows are gone. */
export function endedAccounts(users: Pick<Users, 'lookAt' | 'hasEnded'>): EndedAmong {
  const hasEnded = async (userId: UserId) => {
    const seen = await users.lookAt(userId, 'state, handover');
    // In this order: what has ended is noted before its row goes.
    return seen === undefined ? users.hasEnded(userId) : seen.state === 'ended';
  };
  return async (userIds) => {
    const ended = new Set<UserId>();
    for (let at = 0; at < userIds.length; at += accountsAtOnce) {
      const some = userIds.slice(at, at + accountsAtOnce);
      const answers = await Promise.all(some.map(hasEnded));
      for (const [each, userId] of some.entries()) if (answers[each] === true) ended.add(userId);
    }
    return ended;
  };
}
