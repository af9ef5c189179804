import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GroupLog } from '../../test/group-log.ts';
import { GroupPerson } from '../../test/group-person.ts';
import { userIdOf } from '../../test/numbered-uuid.ts';
import { defaultPlatform } from '../platform/platform.node.ts';
import type { GroupActor } from './device-proof.ts';
import { evaluate, type KeySource } from './evaluate.ts';
import { keyCommitment } from './group-cipher.ts';
import { startOfGroup } from './group-head.ts';
import { decodeRecord, encodeRecord } from './group-record.ts';
import { encodeState } from './group-state.ts';

const { sha256 } = defaultPlatform();
const title = { type: 'set-title', title: 'Sailors' } as const;

describe('evaluate', () => {
  it('leads everybody who has the keys to the same place', () => {
    const log = new GroupLog();
    log.write(log.admin, title);
    log.write(log.owner, { type: 'remove-members', userIds: [log.member.userId] });
    log.write(log.admin, { type: 'set-title', title: 'Divers' });
    let at = startOfGroup(log.wireId);
    for (const record of log.records) at = evaluate(at, record, log.keys, sha256).at;
    expect(at).toEqual(log.at);
    expect(at.state).toMatchObject({ revision: 5, title: 'Divers', keyEpoch: 2, rekeyDue: false });
  });

  it('lets a void record count, and nothing else', () => {
    const log = new GroupLog();
    const { at, verdict } = log.judge(Uint8Array.of(1, 2, 3));
    expect(verdict).toEqual({ type: 'void', reason: 'record-malformed' });
    expect(at.state).toEqual({ ...log.at.state, revision: 3 });
    expect(at.head).not.toEqual(log.at.head);
  });

  const stranger = new GroupPerson(userIdOf(9));
  it.each<[string, (log: GroupLog) => Uint8Array, string]>([
    ['without the right', (log) => log.raw(log.member.actor(), [title]), 'not-allowed'],
    ['by nobody of the group', (log) => log.raw(stranger.actor(), [title]), 'not-allowed'],
    [
      "in a member's name, signed by another one",
      (log) => log.raw({ ...log.admin.actor(), deviceKey: log.member.actor().deviceKey }, [title]),
      'signature-invalid',
    ],
    [
      "in a member's name, with the list of another one",
      (log) => log.raw({ ...log.admin.actor(), deviceList: log.member.actor().deviceList }, [title]),
      'device-list-invalid',
    ],
    [
      'by a device that its list does not name',
      (log) => {
        log.admin.linkDevice(2);
        return log.raw(log.admin.actor(2, 1), [title]);
      },
      'device-unknown',
    ],
    [
      'under another root key than the one that was let in',
      (log) => log.raw(new GroupPerson(log.admin.userId).actor(), [title]),
      'root-key-wrong',
    ],
    [
      'by a device that was revoked since',
      (log) => {
        log.admin.linkDevice(2);
        log.admin.revokeDevice(2);
        log.write(log.admin, { type: 'note-devices', version: 3, revoked: false });
        return log.raw(log.admin.actor(2, 2), [title]);
      },
      'device-list-old',
    ],
    [
      'made for another history',
      (log) => log.raw(log.owner.actor(), [title], { change: { previousHead: new Uint8Array(32) } }),
      'previous-head-wrong',
    ],
    [
      'of another revision inside',
      (log) => log.raw(log.owner.actor(), [title], { change: { revision: 9 } }),
      'change-malformed',
    ],
    [
      'of another group inside',
      (log) => log.raw(log.owner.actor(), [title], { change: { wireId: new Uint8Array(32) } }),
      'change-malformed',
    ],
    ['without operations', (log) => log.raw(log.owner.actor(), []), 'change-malformed'],
    [
      'with a field that nobody knows',
      (log) => log.raw(log.owner.actor(), [title], { signed: (bytes) => Uint8Array.of(...bytes, 0x7a, 0) }),
      'change-malformed',
    ],
    [
      'that names somebody in clear',
      (log) => Uint8Array.of(...log.raw(log.owner.actor(), [title]), 0x2a, 1, 1),
      'record-malformed',
    ],
    [
      'of another revision',
      (log) => log.raw(log.owner.actor(), [title], { header: { revision: 2 } }),
      'record-malformed',
    ],
    ['of another epoch', (log) => log.raw(log.owner.actor(), [title], { header: { keyEpoch: 2 } }), 'key-epoch-wrong'],
    [
      'under another key of the same epoch',
      (log) => log.raw(log.owner.actor(), [title], { header: { keyCommitment: new Uint8Array(32) } }),
      'key-epoch-wrong',
    ],
    ['that was there before', (log) => log.records[1] ?? new Uint8Array(), 'record-malformed'],
    [
      'that was there before, under the next number',
      (log) => encodeRecord({ ...log.latest(), revision: 3 }),
      'unreadable',
    ],
  ])('takes a record %s for void [security: group-membership]', (_, make, reason) => {
    const log = new GroupLog();
    const record = make(log);
    const { at, verdict } = log.judge(record);
    expect(verdict).toEqual({ type: 'void', reason });
    const { revision } = log.at.state;
    expect(encodeState(at.state)).toEqual(encodeState({ ...log.at.state, revision: revision + 1 }));
  });

  it('takes a genuine record with any byte changed for void, or for one that waits', () => {
    const log = new GroupLog();
    log.write(log.owner, { type: 'remove-members', userIds: [log.member.userId] });
    const { record } = log.write(log.owner, title);
    const before = new GroupLog();
    before.at = log.records
      .slice(0, 3)
      .reduce((at, one) => evaluate(at, one, log.keys, sha256).at, startOfGroup(log.wireId));
    fc.assert(
      fc.property(fc.nat(record.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = record.with(at, (record[at] ?? 0) ^ flip);
        expect(before.judge(changed, log.keys).verdict.type).not.toBe('applied');
      }),
      { numRuns: 300 },
    );
    expect(before.judge(record, log.keys).verdict.type).toBe('applied');
  });

  it('is given any bytes', () => {
    const log = new GroupLog();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const wrapped = log.raw(log.owner.actor(), [title], { signed: () => bytes });
        expect(log.judge(wrapped).verdict).toEqual({ type: 'void', reason: 'change-malformed' });
        expect(log.judge(bytes).verdict.type).toBe('void');
      }),
      { numRuns: 200 },
    );
  });

  it('waits for a key that is missing, and for the right one only', () => {
    const log = new GroupLog();
    log.write(log.owner, { type: 'remove-members', userIds: [log.member.userId] });
    const written = log.tried(log.admin, title);
    if (typeof written === 'string') throw new Error(written);
    expect(written.isNewKey).toBe(true);
    const missing = log.judge(written.record);
    expect(missing).toMatchObject({ at: log.at, verdict: { type: 'waits-for-key', keyEpoch: 2 } });
    expect(log.judge(written.record, () => new Uint8Array(32)).verdict.type).toBe('waits-for-key');
    log.know(written.key);
    expect(log.judge(written.record).verdict.type).toBe('applied');
  });

  describe('while a new state key is due', () => {
    /** A group in which one is, with a key of the next epoch that nobody was given. */
    function due() {
      const log = new GroupLog();
      log.other.linkDevice(2);
      log.other.revokeDevice(2);
      log.write(log.other, { type: 'note-devices', version: 3, revoked: false });
      log.write(log.member, { type: 'leave' });
      const key = { keyEpoch: 2, key: new Uint8Array(32).fill(9) };
      return { log, header: { keyEpoch: 2, keyCommitment: keyCommitment(log.wireId, key, sha256) } };
    }
    const onlyCurrent =
      (log: GroupLog): KeySource =>
      (epoch, commitment) =>
        epoch === 1 ? log.keys(epoch, commitment) : undefined;

    it.each<[string, (log: GroupLog) => GroupActor | undefined]>([
      ['nobody', () => undefined],
      ['a guest, who has the key from the link', () => stranger.actor()],
      ['whoever left', (log) => log.member.actor()],
      ['a device that was revoked since', (log) => log.other.actor(2, 2)],
      ['another account in the name of a member', (log) => new GroupPerson(log.admin.userId).actor()],
      ['another device in the name of one', (log) => ({ ...log.admin.actor(), deviceKey: stranger.actor().deviceKey })],
    ])('waits for no key of %s [security: group-membership]', (_, bringerOf) => {
      const { log, header } = due();
      const record = log.raw(log.owner.actor(), [title], { header, bringer: bringerOf(log) });
      const { at, verdict } = log.judge(record, onlyCurrent(log));
      expect(verdict).toEqual({ type: 'void', reason: 'key-proof-wrong' });
      expect(at.state).toEqual({ ...log.at.state, revision: log.at.state.revision + 1 });
    });

    it('waits for no key whose proof was made for another record [security: group-membership]', () => {
      const { log, header } = due();
      const genuine = decodeRecord(log.raw(log.owner.actor(), [title], { header, bringer: log.owner.actor() }));
      if (genuine === undefined) throw new Error('no record');
      expect(log.judge(encodeRecord(genuine), onlyCurrent(log)).verdict.type).toBe('waits-for-key');
      const other = encodeRecord({ ...genuine, keyCommitment: new Uint8Array(32).fill(3) });
      expect(log.judge(other, onlyCurrent(log)).verdict).toEqual({ type: 'void', reason: 'key-proof-wrong' });
      const late = { ...genuine, revision: genuine.revision + 1 };
      log.at = log.judge(Uint8Array.of(1)).at;
      expect(log.judge(encodeRecord(late), onlyCurrent(log)).verdict).toMatchObject({ reason: 'key-proof-wrong' });
    });

    it('takes a change of another one than brings its key for void, and a proof where none is due', () => {
      const { log, header } = due();
      log.know({ keyEpoch: 2, key: log.key.key });
      const commitment = keyCommitment(log.wireId, { keyEpoch: 2, key: log.key.key }, sha256);
      const twist = { header: { ...header, keyCommitment: commitment }, bringer: log.owner.actor() };
      expect(log.judge(log.raw(log.admin.actor(), [title], twist)).verdict).toEqual({
        type: 'void',
        reason: 'change-malformed',
      });
      expect(log.judge(log.raw(log.owner.actor(), [title], twist)).verdict.type).toBe('applied');
      const settled = new GroupLog();
      const needless = settled.raw(settled.owner.actor(), [title], { bringer: settled.owner.actor() });
      expect(settled.judge(needless).verdict).toEqual({ type: 'void', reason: 'key-proof-wrong' });
    });

    it('waits for the key that is, where that is missing', () => {
      const { log } = due();
      const { record } = log.write(log.owner, title);
      const before = new GroupLog();
      before.at = log.records
        .slice(0, -1)
        .reduce((at, one) => evaluate(at, one, log.keys, sha256).at, startOfGroup(log.wireId));
      expect(before.judge(record, () => undefined).verdict).toMatchObject({ type: 'waits-for-key', keyEpoch: 1 });
    });
  });

  it('wants a new state key after a removal, a leave and a revoked device, and at no other time', () => {
    for (const reason of ['remove', 'leave', 'revoke'] as const) {
      const log = new GroupLog();
      log.member.linkDevice(2);
      if (reason === 'remove') log.write(log.owner, { type: 'remove-members', userIds: [log.member.userId] });
      else if (reason === 'leave') log.write(log.member, { type: 'leave' });
      else log.write(log.member, { type: 'note-devices', version: 2, revoked: true });
      expect(log.at.state).toMatchObject({ rekeyDue: true, keyEpoch: 1 });
      const old = log.raw(log.owner.actor(), [title]);
      expect(log.judge(old).verdict).toEqual({ type: 'void', reason: 'key-epoch-wrong' });
      expect(log.write(log.owner, title)).toMatchObject({ isNewKey: true, key: { keyEpoch: 2 } });
      expect(log.write(log.owner, { ...title, title: 'Divers' })).toMatchObject({ isNewKey: false });
    }
  });

  it('knows no group before its creation, and none after its last member', () => {
    const log = new GroupLog();
    const start = startOfGroup(log.wireId);
    const dead = evaluate(start, Uint8Array.of(1), log.keys, sha256).at;
    expect(evaluate(dead, log.records[1] ?? Uint8Array.of(), log.keys, sha256).verdict).toMatchObject({
      reason: 'no-group',
    });
    for (const person of [log.owner, log.member, log.other, log.admin]) log.write(person, { type: 'leave' });
    expect(log.at.state.members).toEqual([]);
    const late = log.raw(log.owner.actor(), [title]);
    expect(log.judge(late).verdict).toEqual({ type: 'void', reason: 'no-group' });
  });
});
