import { defaultPlatform } from '#platform';
import type { GroupOperation } from '../src/groups/group-operation.ts';
import type { GroupState } from '../src/groups/group-state.ts';
import type { ModelPerson } from './model-person.ts';

const { randomness } = defaultPlatform();

/** Something that can be done to a group, chosen by two numbers, whether it is allowed or not. */
export function modelOperation(
  state: GroupState,
  target: ModelPerson,
  b: number,
  c: number,
  newLink: () => Uint8Array,
): GroupOperation | undefined {
  const { userId } = target;
  const [request] = state.requests;
  if (request !== undefined && b % 3 === 0)
    return { type: c % 4 === 0 ? 'decline' : 'approve', userId: request.userId };
  const choices: readonly (() => GroupOperation | undefined)[] = [
    () => ({ type: 'set-title', title: `title ${c}` }),
    () => ({ type: 'add-members', members: [target.candidate()] }),
    () => ({ type: 'remove-members', userIds: [userId] }),
    () => ({ type: 'set-role', userId, role: c % 3 === 0 ? 'member' : 'admin' }),
    () => ({ type: 'transfer-ownership', userId }),
    () => ({
      type: 'set-settings',
      settings: { add: c % 2 === 0 ? 'admins' : 'members', edit: c % 3 === 0 ? 'admins' : 'members' },
    }),
    () => ({ type: 'set-invite', invite: { id: randomness.bytes(16), key: newLink(), approval: c % 2 === 0 } }),
    () => ({ type: 'revoke-invite' }),
    () => (c % 4 === 0 ? { type: 'leave' } : undefined),
    () => ({
      type: 'set-avatar',
      avatar: { hash: randomness.bytes(32), key: randomness.bytes(32), location: randomness.bytes(32) },
    }),
  ];
  return choices[b % choices.length]?.();
}
