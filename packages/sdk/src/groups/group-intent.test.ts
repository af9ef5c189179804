import { describe, expect, it } from 'vitest';
import { GroupLog } from '../../test/group-log.ts';
import { isDone } from './group-intent.ts';
import type { GroupOperation } from './group-operation.ts';

describe('what is done already', () => {
  const log = new GroupLog();
  const { owner, admin, member, stranger } = log;
  const key = new Uint8Array(32);
  const invite = { id: new Uint8Array(16), key, approval: false };
  const join = { who: stranger.candidate(), proof: key };
  const cases: readonly (readonly [GroupOperation, boolean])[] = [
    [{ type: 'add-members', members: [member.candidate()] }, true],
    [{ type: 'add-members', members: [member.candidate(), stranger.candidate()] }, false],
    [{ type: 'remove-members', userIds: [stranger.userId] }, true],
    [{ type: 'remove-members', userIds: [member.userId] }, false],
    [{ type: 'leave' }, false],
    [{ type: 'set-role', userId: admin.userId, role: 'admin' }, true],
    [{ type: 'set-role', userId: member.userId, role: 'admin' }, false],
    [{ type: 'set-role', userId: stranger.userId, role: 'admin' }, false],
    [{ type: 'transfer-ownership', userId: owner.userId }, true],
    [{ type: 'transfer-ownership', userId: admin.userId }, false],
    [{ type: 'set-title', title: 'Rowers' }, true],
    [{ type: 'set-title', title: 'Divers' }, false],
    [{ type: 'set-settings', settings: { add: 'admins', edit: 'admins' } }, true],
    [{ type: 'set-settings', settings: { add: 'admins', edit: 'members' } }, false],
    [{ type: 'revoke-invite' }, true],
    [{ type: 'set-invite', invite }, false],
    [{ type: 'join', ...join }, true],
    [{ type: 'request-join', ...join }, true],
    [{ type: 'approve', userId: member.userId }, true],
    [{ type: 'approve', userId: stranger.userId }, false],
    [{ type: 'decline', userId: stranger.userId }, true],
    [{ type: 'set-avatar', avatar: undefined }, true],
    [{ type: 'note-devices', version: 1, revoked: true }, true],
    [{ type: 'note-devices', version: 2, revoked: true }, false],
  ];
  it.each(cases)('%o', (operation, expected) => {
    expect(isDone(operation, log.at, owner.userId)).toBe(expected);
  });
});
