import { GroupKeyRequest, GroupKeys, GroupWelcome } from '@sotto/proto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GroupLog } from '../../test/group-log.ts';
import { GroupPerson } from '../../test/group-person.ts';
import { userIdOf } from '../../test/numbered-uuid.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { defaultPlatform } from '../platform/platform.node.ts';
import { isCheckpointDue, openCheckpoint, sealCheckpoint } from './checkpoint.ts';
import { evaluate } from './evaluate.ts';
import { keyCommitment } from './group-cipher.ts';
import { answerKeyRequest, readGroupKeys, writeGroupKeys, writeKeyRequest } from './group-keys.ts';
import { openInviteBox, sealInviteBox } from './invite-box.ts';
import { formatInviteLink, inviteToken, parseInviteLink } from './invite-link.ts';
import { readWelcome, writeWelcome } from './welcome.ts';

const { sha256, randomness } = defaultPlatform();
const title = (text: string) => ({ type: 'set-title', title: text }) as const;
const read = (fields: Parameters<typeof GroupWelcome.encode>[0]) => GroupWelcome.decode(GroupWelcome.encode(fields));

const ownOf = ({ userId, rootPublicKey }: GroupPerson) => ({ userId, rootKey: rootPublicKey });

function withStranger(): GroupLog {
  const log = new GroupLog();
  log.write(log.owner, { type: 'add-members', members: [log.stranger.candidate()] });
  return log;
}

describe('a welcome', () => {
  it('puts whoever was added where the others are', () => {
    const log = withStranger();
    const own = ownOf(log.stranger);
    const known = readWelcome(read(writeWelcome(log)), log.owner.userId, own, sha256);
    expect(known).toEqual({ at: log.at, key: log.key });
    const { record } = log.write(log.admin, title('Sailors'));
    expect(known && evaluate(known.at, record, () => log.key.key, sha256).at).toEqual(log.at);
  });

  it('with a false state leads away from everybody else [security: group-membership]', () => {
    const log = withStranger();
    const told = { ...log.at, state: { ...log.at.state, title: 'a lie' } };
    const { record } = log.write(log.admin, { type: 'set-settings', settings: { add: 'members', edit: 'admins' } });
    const { at, verdict } = evaluate(told, record, log.keys, sha256);
    expect(verdict.type).toBe('applied');
    expect(at.head).not.toEqual(log.at.head);
  });

  it.each<[string, (log: GroupLog) => ReturnType<typeof readWelcome>]>([
    ['by one who is no member', (log) => readWelcome(read(writeWelcome(log)), userIdOf(50), ownOf(log.owner), sha256)],
    [
      'for one who is no member',
      (log) => readWelcome(read(writeWelcome(log)), log.owner.userId, ownOf(new GroupPerson(userIdOf(50))), sha256),
    ],
    [
      'that has another root key for its reader',
      (log) =>
        readWelcome(
          read(writeWelcome(log)),
          log.owner.userId,
          { ...ownOf(log.admin), rootKey: log.owner.rootPublicKey },
          sha256,
        ),
    ],
    ['with another key', (log) => adminReads(log, { key: new Uint8Array(32) })],
    ['of another revision', (log) => adminReads(log, { revision: 9 })],
    ['of another epoch', (log) => adminReads(log, { keyEpoch: 9 })],
    ['without a head', (log) => adminReads(log, { head: new Uint8Array() })],
    ['of another group', (log) => adminReads(log, { groupId: new Uint8Array(32) })],
    [
      'with a state in another encoding',
      (log) => adminReads(log, { state: Uint8Array.of(...(writeWelcome(log).state ?? []), 0x7a, 0) }),
    ],
  ])('%s is refused', (_, refused) => {
    const log = withStranger();
    expect(adminReads(log, {})).toBeDefined();
    expect(refused(log)).toBeUndefined();
  });

  function adminReads(log: GroupLog, twist: Parameters<typeof GroupWelcome.encode>[0]) {
    const own = ownOf(log.admin);
    return readWelcome(read({ ...writeWelcome(log), ...twist }), log.owner.userId, own, sha256);
  }
});

describe('a link', () => {
  it('is read as it was written, and nothing else is', () => {
    const link = { wireId: randomness.bytes(32), inviteKey: randomness.bytes(32) };
    const text = formatInviteLink(link);
    expect(parseInviteLink(` ${text}\n`)).toEqual(link);
    expect(parseInviteLink(text.slice(1))).toBeUndefined();
    expect(parseInviteLink(text.slice(0, -1))).toBeUndefined();
    expect(parseInviteLink(`${text}AA`)).toBeUndefined();
    fc.assert(
      fc.property(fc.string(), (other) => {
        expect(parseInviteLink(`sotto-group:${other}`)).toBeUndefined();
      }),
    );
    expect(inviteToken(link)).not.toEqual(inviteToken({ ...link, inviteKey: link.wireId }));
  });

  it('opens the box of its group, and no other link does', () => {
    const log = new GroupLog();
    const inviteKey = randomness.bytes(32);
    const box = sealInviteBox(log, inviteKey, randomness);
    expect(openInviteBox(box, { wireId: log.wireId, inviteKey }, sha256)).toEqual({ at: log.at, key: log.key });
    expect(openInviteBox(box, { wireId: log.wireId, inviteKey: randomness.bytes(32) }, sha256)).toBeUndefined();
    expect(openInviteBox(box, { wireId: randomness.bytes(32), inviteKey }, sha256)).toBeUndefined();
    expect(openInviteBox(box.with(40, (box[40] ?? 0) ^ 1), { wireId: log.wireId, inviteKey }, sha256)).toBeUndefined();
  });
});

describe('a checkpoint', () => {
  const open = (log: GroupLog, bytes: Uint8Array) => openCheckpoint(bytes, log.wireId, log.keys, sha256);

  it('tells where the log is and who says so', () => {
    const log = new GroupLog();
    const sealed = sealCheckpoint(log, log.member.actor(), 9, randomness);
    const { address } = log.member.actor();
    expect(open(log, sealed)).toEqual({ at: log.at, key: log.key, signedBy: address, createdAt: 9 });
  });

  it('is refused when it is not genuine [security: group-membership]', () => {
    const log = new GroupLog();
    const sealed = sealCheckpoint(log, log.member.actor(), 9, randomness);
    for (let at = 0; at < sealed.length; at += 7) {
      expect(open(log, sealed.with(at, (sealed[at] ?? 0) ^ 1))).toBeUndefined();
    }
    expect(openCheckpoint(sealed, log.wireId, () => undefined, sha256)).toBeUndefined();
    // By a stranger, by a member's name with another key, by another account under a member's id.
    expect(open(log, sealCheckpoint(log, log.stranger.actor(), 9, randomness))).toBeUndefined();
    const forged = { ...log.member.actor(), deviceKey: log.stranger.actor().deviceKey };
    expect(open(log, sealCheckpoint(log, forged, 9, randomness))).toBeUndefined();
    const twin = new GroupPerson(log.member.userId);
    expect(open(log, sealCheckpoint(log, twin.actor(), 9, randomness))).toBeUndefined();
    log.member.linkDevice(2);
    log.write(log.member, { type: 'note-devices', version: 2, revoked: false });
    expect(open(log, sealCheckpoint(log, log.member.actor(1, 1), 9, randomness))).toBeUndefined();
  });

  it('is not made while those who were put out could read it', () => {
    const log = new GroupLog();
    expect(isCheckpointDue(log, { revision: 0, keyEpoch: 0 })).toBe(true);
    expect(isCheckpointDue(log, { revision: 1, keyEpoch: 1 })).toBe(false);
    log.write(log.owner, { type: 'remove-members', userIds: [log.member.userId] });
    expect(isCheckpointDue(log, { revision: 0, keyEpoch: 0 })).toBe(false);
    expect(() => sealCheckpoint(log, log.owner.actor(), 9, randomness)).toThrow(
      expect.objectContaining({ code: 'internal' }),
    );
    log.write(log.owner, title('Sailors'));
    expect(isCheckpointDue(log, { revision: 2, keyEpoch: 1 })).toBe(true);
  });
});

describe('a removed member', () => {
  it('opens nothing of what the relay has of the group from then on [security: removed-member]', () => {
    const log = new GroupLog();
    const inviteKey = randomness.bytes(32);
    log.write(log.owner, { type: 'set-invite', invite: { id: randomness.bytes(16), key: inviteKey, approval: false } });
    log.write(log.owner, { type: 'remove-members', userIds: [log.member.userId] });
    const { at, key } = log;
    const known = (_: number, commitment: Uint8Array) =>
      sameBytes(commitment, at.state.keyCommitment) ? key.key : undefined;
    const next = log.write(log.admin, title('Sailors'));
    expect(evaluate(at, next.record, known, sha256).verdict.type).toBe('waits-for-key');
    expect(evaluate(at, next.record, () => key.key, sha256).verdict.type).toBe('waits-for-key');
    const checkpoint = sealCheckpoint(log, log.owner.actor(), 9, randomness);
    expect(openCheckpoint(checkpoint, log.wireId, known, sha256)).toBeUndefined();
    expect(openCheckpoint(checkpoint, log.wireId, () => key.key, sha256)).toBeUndefined();
    // The link ended with the removal: no box is under its key any more.
    expect(log.at.state.invite).toBeUndefined();
    const box = sealInviteBox(log, randomness.bytes(32), randomness);
    expect(openInviteBox(box, { wireId: log.wireId, inviteKey }, sha256)).toBeUndefined();
  });
});

describe('a request for keys', () => {
  const committed = (log: GroupLog) => ({ ...log.key, keyCommitment: keyCommitment(log.wireId, log.key, sha256) });
  const ask = (log: GroupLog, wanted: Parameters<typeof writeKeyRequest>[1], wireId = log.wireId) =>
    GroupKeyRequest.decode(GroupKeyRequest.encode(writeKeyRequest(wireId, wanted)));

  it('gets a member the keys since it came, and who was put out none', () => {
    const log = new GroupLog();
    const first = committed(log);
    log.write(log.owner, { type: 'remove-members', userIds: [log.member.userId] });
    log.write(log.owner, { type: 'add-members', members: [log.stranger.candidate()] });
    const second = committed(log);
    const used = [first, second];
    const given = (person: GroupPerson, wanted = used) =>
      answerKeyRequest(ask(log, wanted), person.userId, log.at.state, used).map(({ keyEpoch }) => keyEpoch);
    expect(given(log.admin)).toEqual([1, 2]);
    expect(given(log.admin, [second])).toEqual([2]);
    expect(given(log.stranger)).toEqual([2]);
    expect(given(log.member)).toEqual([]);
    expect(given(log.admin, [{ ...second, keyCommitment: first.keyCommitment }])).toEqual([]);
    expect(answerKeyRequest(ask(log, []), log.admin.userId, log.at.state, used)).toEqual([]);
    const elsewhere = ask(log, used, randomness.bytes(32));
    expect(answerKeyRequest(elsewhere, log.admin.userId, log.at.state, used)).toEqual([]);
  });

  it('is answered with keys that name themselves', () => {
    const log = new GroupLog();
    const given = (fields: Parameters<typeof GroupKeys.encode>[0]) =>
      readGroupKeys(GroupKeys.decode(GroupKeys.encode(fields)), sha256);
    expect(given(writeGroupKeys(log.wireId, [log.key]))).toEqual([committed(log)]);
    expect(given(writeGroupKeys(log.wireId, []))).toBeUndefined();
    expect(given(writeGroupKeys(log.wireId, Array(65).fill(log.key)))).toBeUndefined();
    expect(given({ groupId: log.wireId, keys: [{ keyEpoch: 1, key: new Uint8Array(31) }] })).toBeUndefined();
    expect(given({ groupId: log.wireId, keys: [{ keyEpoch: 0, key: new Uint8Array(32) }] })).toBeUndefined();
  });
});
