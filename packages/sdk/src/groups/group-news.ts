import type { GroupNews } from '../ports/event-records.ts';
import type { UserId } from '../ports/ids.ts';
import { membersChanged } from './apply-change.ts';
import type { GroupStep } from './group-advance.ts';
import type { GroupOperation } from './group-operation.ts';
import { memberOf } from './group-state.ts';

/** What a change has changed, for people: what goes on between devices is left out. */
export function newsOf({ before, at, change }: GroupStep): readonly GroupNews[] {
  if (change === undefined) return [];
  const told = change.operations.flatMap((operation) => newsOfOperation(operation, change.actor.userId));
  const owner = at.state.members.find(({ role }) => role === 'owner')?.userId;
  const isNew =
    owner !== undefined && memberOf(before, owner) !== undefined && memberOf(before, owner)?.role !== 'owner';
  // Ownership passes on also when the owner leaves.
  return isNew ? [...told, { type: 'role', userId: owner, role: 'owner' }] : told;
}

/** Whether somebody who had the state key, or a chain's, is to have it no longer: what is sent next comes under a new chain. */
export function endsChains(step: GroupStep): boolean {
  if (membersChanged(step.before, step.at.state).removed.length > 0) return true;
  return step.change?.operations.some((one) => one.type === 'note-devices' && one.revoked) ?? false;
}

function newsOfOperation(operation: GroupOperation, actor: UserId): readonly GroupNews[] {
  switch (operation.type) {
    case 'create':
      return [{ type: 'created' }];
    case 'add-members':
      return [{ type: 'added', userIds: operation.members.map(({ userId }) => userId) }];
    case 'approve':
      return [{ type: 'added', userIds: [operation.userId] }];
    case 'remove-members':
      return [{ type: 'removed', userIds: operation.userIds }];
    case 'leave':
      return [{ type: 'left', userId: actor }];
    case 'join':
      return [{ type: 'joined', userId: actor }];
    case 'request-join':
      return [{ type: 'requested', userId: actor }];
    case 'decline':
      return [{ type: 'declined', userId: operation.userId }];
    case 'set-role':
      return [{ type: 'role', userId: operation.userId, role: operation.role }];
    case 'transfer-ownership':
      return [];
    case 'set-title':
      return [{ type: 'title', title: operation.title }];
    case 'set-avatar':
      return [{ type: 'avatar' }];
    case 'set-settings':
      return [{ type: 'settings', ...operation.settings }];
    case 'set-invite':
      return [{ type: 'invite', open: true }];
    case 'revoke-invite':
      return [{ type: 'invite', open: false }];
    case 'note-devices':
      return [];
  }
}
