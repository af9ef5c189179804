import { describe, expect, it } from 'vitest';
import { GroupLog } from '../../test/group-log.ts';
import type { GroupPerson } from '../../test/group-person.ts';
import { byUserId } from './canonical.ts';
import type { GroupOperation } from './group-operation.ts';
import { joinProof } from './join-proof.ts';
import { rebase } from './rebase.ts';

const actorOf = (person: GroupPerson) => ({
  actor: person.userId,
  list: { rootKey: person.rootPublicKey, version: person.version },
});

describe('rebase', () => {
  it('makes what still makes sense again, in its order, and tells what does not', () => {
    const log = new GroupLog();
    const late = byUserId([log.stranger.candidate(), log.other.candidate()]);
    const wanted: readonly GroupOperation[] = [
      { type: 'remove-members', userIds: [log.member.userId, log.other.userId] },
      { type: 'add-members', members: late },
      { type: 'set-title', title: 'Sailors' },
      { type: 'set-role', userId: log.member.userId, role: 'admin' },
    ];
    log.write(log.owner, { type: 'remove-members', userIds: [log.member.userId] });
    const { operations, dropped } = rebase(wanted, log.at, actorOf(log.admin));
    expect(operations).toEqual([
      { type: 'remove-members', userIds: [log.other.userId] },
      { type: 'add-members', members: late },
      { type: 'set-title', title: 'Sailors' },
    ]);
    expect(dropped).toEqual([
      { type: 'remove-members', userIds: [log.member.userId] },
      { type: 'set-role', userId: log.member.userId, role: 'admin' },
    ]);
    log.write(log.admin, ...operations);
  });

  it('leaves nothing of what is done already, or not allowed any more', () => {
    const log = new GroupLog();
    log.write(log.admin, { type: 'set-title', title: 'Sailors' });
    log.write(log.owner, { type: 'set-role', userId: log.admin.userId, role: 'member' });
    const wanted: readonly GroupOperation[] = [
      { type: 'set-title', title: 'Divers' },
      { type: 'remove-members', userIds: [log.member.userId] },
    ];
    expect(rebase(wanted, log.at, actorOf(log.admin))).toEqual({ operations: [], dropped: wanted });
    const done = [{ type: 'set-title', title: 'Sailors' }] as const;
    expect(rebase(done, log.at, actorOf(log.owner))).toEqual({ operations: [], dropped: done });
  });

  it('proves a join anew, for the head that is', () => {
    const log = new GroupLog();
    const key = new Uint8Array(32).fill(3);
    log.write(log.owner, { type: 'set-invite', invite: { id: new Uint8Array(16), key, approval: false } });
    const who = log.stranger.candidate();
    const join = { type: 'join', who, proof: joinProof(key, log.wireId, who, log.at.head) } as const;
    log.write(log.owner, { type: 'set-title', title: 'Sailors' });
    expect(rebase([join], log.at, actorOf(log.stranger)).operations).toEqual([]);
    const { operations } = rebase([join], log.at, { ...actorOf(log.stranger), inviteKey: key });
    log.write(log.stranger, ...operations);
    expect(log.at.state.members.map(({ userId }) => userId)).toContain(log.stranger.userId);
    expect(rebase([join], log.at, { ...actorOf(log.stranger), inviteKey: key }).operations).toEqual([]);
  });
});
