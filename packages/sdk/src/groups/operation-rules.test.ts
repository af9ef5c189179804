import { beforeAll, describe, expect, it } from 'vitest';
import { GroupLog } from '../../test/group-log.ts';
import { GroupPerson } from '../../test/group-person.ts';
import { userIdOf } from '../../test/numbered-uuid.ts';
import { defaultPlatform } from '../platform/platform.node.ts';
import { keyCommitment } from './group-cipher.ts';
import type { GroupOperation } from './group-operation.ts';
import { memberOf } from './group-state.ts';
import { joinProof } from './join-proof.ts';

const invite = (approval: boolean) => ({ id: new Uint8Array(16), key: new Uint8Array(32).fill(7), approval });
const { sha256 } = defaultPlatform();
const avatar = { hash: new Uint8Array(32), key: new Uint8Array(32), location: new Uint8Array(32) };
const roles = ['owner', 'admin', 'member', 'stranger'] as const;

/** Of a group with a request, on which everything has a meaning. */
function prepared(settings: { add: 'admins' | 'members'; edit: 'admins' | 'members' }): GroupLog {
  const log = new GroupLog();
  log.write(log.owner, { type: 'set-invite', invite: invite(true) });
  const asks = new GroupPerson(userIdOf(8));
  const proof = joinProof(invite(true).key, log.wireId, asks.candidate(), log.at.head);
  log.write(asks, { type: 'request-join', who: asks.candidate(), proof });
  if (settings.add !== 'admins' || settings.edit !== 'admins') log.write(log.owner, { type: 'set-settings', settings });
  return log;
}

describe('who may do what [security: group-membership]', () => {
  let strict: GroupLog;
  let open: GroupLog;
  beforeAll(() => {
    strict = prepared({ add: 'admins', edit: 'admins' });
    open = prepared({ add: 'members', edit: 'members' });
  });

  it.each<[string, (log: GroupLog) => GroupOperation, allowed: string, whenOpen?: string]>([
    [
      'add',
      ({ stranger }) => ({ type: 'add-members', members: [stranger.candidate()] }),
      'owner admin',
      'owner admin member',
    ],
    ['remove a member', ({ other }) => ({ type: 'remove-members', userIds: [other.userId] }), 'owner admin'],
    ['remove an admin', ({ admin }) => ({ type: 'remove-members', userIds: [admin.userId] }), 'owner'],
    ['remove the owner', ({ owner }) => ({ type: 'remove-members', userIds: [owner.userId] }), ''],
    ['make an admin', ({ other }) => ({ type: 'set-role', userId: other.userId, role: 'admin' }), 'owner admin'],
    ['unmake an admin', ({ admin }) => ({ type: 'set-role', userId: admin.userId, role: 'member' }), 'owner'],
    ['unmake the owner', ({ owner }) => ({ type: 'set-role', userId: owner.userId, role: 'member' }), ''],
    ['transfer', ({ other }) => ({ type: 'transfer-ownership', userId: other.userId }), 'owner'],
    ['set the title', () => ({ type: 'set-title', title: 'Sailors' }), 'owner admin', 'owner admin member'],
    ['set the avatar', () => ({ type: 'set-avatar', avatar }), 'owner admin', 'owner admin member'],
    ['set the settings', () => ({ type: 'set-settings', settings: { add: 'members', edit: 'admins' } }), 'owner admin'],
    ['make a link', () => ({ type: 'set-invite', invite: invite(false) }), 'owner admin'],
    ['end the link', () => ({ type: 'revoke-invite' }), 'owner admin'],
    ['approve', () => ({ type: 'approve', userId: userIdOf(8) }), 'owner admin'],
    ['decline', () => ({ type: 'decline', userId: userIdOf(8) }), 'owner admin'],
    ['leave', () => ({ type: 'leave' }), 'owner admin member'],
    ['create it again', (log) => createOf(log), ''],
  ])('%s', (_, operation, allowed, whenOpen = allowed) => {
    for (const [log, expected] of [
      [strict, allowed],
      [open, whenOpen],
    ] as const) {
      const may = roles.filter((role) => typeof log.tried(log[role], operation(log)) !== 'string');
      expect(may.join(' ')).toBe(expected);
    }
  });

  it('come in only by the link, as oneself, on this head, and as the link says', () => {
    const log = new GroupLog();
    const who = log.stranger.candidate();
    const join = (proof: Uint8Array, as = who): GroupOperation => ({ type: 'join', who: as, proof });
    const right = (key = invite(false).key) => joinProof(key, log.wireId, who, log.at.head);
    expect(log.tried(log.stranger, join(right()))).toBe('not-allowed');
    log.write(log.owner, { type: 'set-invite', invite: invite(false) });
    expect(log.tried(log.stranger, join(right(new Uint8Array(32))))).toBe('not-allowed');
    expect(log.tried(log.stranger, join(joinProof(invite(false).key, log.wireId, who, new Uint8Array(32))))).toBe(
      'not-allowed',
    );
    expect(log.tried(new GroupPerson(userIdOf(10)), join(right()))).toBe('not-allowed');
    expect(log.tried(log.stranger, join(right(), { ...who, deviceListVersion: 5 }))).toBe('not-allowed');
    expect(log.tried(log.stranger, { type: 'request-join', who, proof: right() })).toBe('not-allowed');
    log.write(log.stranger, join(right()));
    expect(memberOf(log.at.state, log.stranger.userId)).toMatchObject({ role: 'member', joinedAtRevision: 4 });
    expect(log.tried(log.stranger, join(right()))).toBe('not-allowed');
  });

  it('come in while a new state key is due, under the one that is: a key of theirs nobody would have', () => {
    const log = new GroupLog();
    log.write(log.owner, { type: 'set-invite', invite: invite(false) });
    log.write(log.other, { type: 'leave' });
    const who = log.stranger.candidate();
    const join = { type: 'join', who, proof: joinProof(invite(false).key, log.wireId, who, log.at.head) } as const;
    const commitment = keyCommitment(log.wireId, { keyEpoch: 2, key: log.key.key }, sha256);
    const header = { keyEpoch: 2, keyCommitment: commitment };
    for (const [bringer, reason] of [
      [log.stranger.actor(), 'key-proof-wrong'],
      [log.owner.actor(), 'key-epoch-wrong'],
    ] as const) {
      const foreign = log.raw(bringer, [join], { header, bringer });
      expect(log.judge(foreign, () => log.key.key).verdict).toEqual({ type: 'void', reason });
    }
    expect(log.write(log.stranger, join)).toMatchObject({ isNewKey: false, key: { keyEpoch: 1 } });
    expect(log.at.state).toMatchObject({ rekeyDue: true, keyEpoch: 1 });
    expect(log.write(log.stranger, { type: 'leave' })).toMatchObject({ isNewKey: true, key: { keyEpoch: 2 } });
  });

  it('come in by a request only when it is approved, and the request is gone then', () => {
    const log = prepared({ add: 'admins', edit: 'admins' });
    expect(log.at.state.requests.map(({ userId }) => userId)).toEqual([userIdOf(8)]);
    log.write(log.admin, { type: 'approve', userId: userIdOf(8) });
    expect(log.at.state.requests).toEqual([]);
    expect(memberOf(log.at.state, userIdOf(8))?.role).toBe('member');
    expect(log.tried(log.admin, { type: 'approve', userId: userIdOf(8) })).toBe('operation-invalid');
  });
});

describe('operations', () => {
  it('end the link when somebody is put out who knows it', () => {
    const log = prepared({ add: 'admins', edit: 'admins' });
    log.write(log.owner, { type: 'remove-members', userIds: [log.member.userId] });
    expect(log.at.state.invite).toBeUndefined();
  });

  it('give the group to the admin who was there first, then to the member', () => {
    const log = new GroupLog();
    const late = new GroupPerson(userIdOf(0));
    log.write(log.owner, { type: 'add-members', members: [late.candidate()] });
    log.write(log.owner, { type: 'set-role', userId: late.userId, role: 'admin' });
    const owner = () => log.at.state.members.find(({ role }) => role === 'owner')?.userId;
    log.write(log.owner, { type: 'leave' });
    expect(owner()).toBe(log.admin.userId);
    log.write(log.admin, { type: 'leave' });
    expect(owner()).toBe(late.userId);
    log.write(late, { type: 'leave' });
    // Both came with the creation: the lower id.
    expect(owner()).toBe(log.member.userId);
  });

  it('are applied all or not at all', () => {
    const log = new GroupLog();
    const both = log.tried(
      log.admin,
      { type: 'set-title', title: 'x' },
      { type: 'transfer-ownership', userId: log.admin.userId },
    );
    expect(both).toBe('not-allowed');
    log.write(log.owner, { type: 'transfer-ownership', userId: log.other.userId }, { type: 'leave' });
    expect(memberOf(log.at.state, log.other.userId)?.role).toBe('owner');
  });

  it('that change nothing are void', () => {
    const log = new GroupLog();
    expect(log.tried(log.owner, { type: 'set-title', title: 'Rowers' })).toBe('operation-invalid');
    expect(log.tried(log.owner, { type: 'add-members', members: [log.member.candidate()] })).toBe('operation-invalid');
    expect(log.tried(log.owner, { type: 'remove-members', userIds: [userIdOf(77)] })).toBe('operation-invalid');
    expect(log.tried(log.owner, { type: 'note-devices', version: 1, revoked: false })).toBe('operation-invalid');
  });

  it('keep the group at 1,024 members, in records that the relay takes', () => {
    const log = new GroupLog();
    const crowd = Array.from({ length: 1_020 }, (_, at) => ({
      ...log.stranger.candidate(),
      userId: userIdOf(100 + at),
      profileKey: new Uint8Array(32).fill(1),
    }));
    const { record } = log.write(log.owner, { type: 'add-members', members: crowd });
    expect(log.at.state.members).toHaveLength(1_024);
    expect(record.length).toBeLessThan(256 * 1024);
    expect(log.tried(log.owner, { type: 'add-members', members: [log.stranger.candidate()] })).toBe('limit-broken');
  });
});

function createOf(log: GroupLog): GroupOperation {
  const settings = { add: 'admins', edit: 'admins' } as const;
  const [owner, members] = [log.owner.candidate(), [log.member.candidate()]];
  return { type: 'create', rules: 1, title: 'x', avatar: undefined, settings, owner, members };
}
