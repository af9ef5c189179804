import type { GroupChanges } from '../groups/group-changes.ts';
import { isRevocationDue, noteOfRevocation } from '../groups/noted-devices.ts';
import { ownListOf, stateOf } from '../groups/stored-group.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { GroupId } from '../ports/ids.ts';
import type { StoreQueries } from '../ports/store.ts';

const page = 64;

/**
 * Has the groups of this account note that a device of it was revoked: each gets a new state key, and changes by that device are void from then on.
 *
 * Which groups it is due in shows by what each has noted last, so a crash in between is mended by the next call, and what two calls want at once is noted once.
 * @throws {SottoError} as `GroupChanges.change`: the rest is due yet
 */
export async function noteRevocation(
  parts: {
    readonly store: Pick<StoreQueries, 'groups'>;
    readonly changes: Pick<GroupChanges, 'change'>;
    readonly sha256: Sha256;
  },
  account: AccountRecord,
): Promise<void> {
  if (account.rootSecret === undefined) return;
  const list = ownListOf(account, parts.sha256);
  for (let after: GroupId | undefined; ; ) {
    const groups = await parts.store.groups(after, page);
    for (const group of groups) {
      const state = group.standing === 'member' ? stateOf(group) : undefined;
      if (state === undefined || !isRevocationDue(state, list)) continue;
      await parts.changes.change(group.id, { operations: [noteOfRevocation(list)], inviteKey: undefined });
    }
    after = groups.at(-1)?.id;
    if (after === undefined) return;
  }
}
