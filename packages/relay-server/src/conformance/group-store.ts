import type { UserId } from '../ports/ids.ts';
import type { RelayStores } from '../ports/relay-stores.ts';
import { appendAll, change, made, reader, seal, someGroup, told, wholeLog } from './group-samples.ts';
import { type HarnessMaker, hex, suite } from './harness.ts';
import type { Runner } from './runner.ts';
import { someBytes, someUser, start } from './samples.ts';

type Stores = Pick<RelayStores, 'groups'>;

const week = 7 * 86_400_000;

/** What every `GroupStore` must hold of logs, checkpoints and invites. */
export function groupStoreConformance(runner: Runner, maker: HarnessMaker<RelayStores>): void {
  const { expect } = runner;
  suite<Stores>(runner, 'GroupStore', maker as HarnessMaker<Stores>, ({ check, checkWith }) => {
    check('a log grows record by record, and gives their bytes back as they came', async ({ stores: { groups } }) => {
      const [alice, bob] = [someUser(), someUser()];
      const groupId = someGroup();
      const appends = [
        change(groupId, 1, alice, { added: [alice, bob] }),
        change(groupId, 2, bob, {}, { bytes: someBytes(60_000) }),
        change(groupId, 3, alice, {}, { bytes: someBytes(1) }),
      ];
      expect(await appendAll(groups, appends)).toEqual(['appended', 'appended', 'appended']);
      const log = appends.map(({ record }) => hex(record.bytes));
      expect(told(await groups.records(groupId, reader(bob), 0, wholeLog))).toEqual([1, 3, ...log]);
      expect(told(await groups.records(groupId, reader(alice), 2, wholeLog))).toEqual([3, 3, log[2]]);
      expect(told(await groups.records(groupId, reader(alice), 3, wholeLog))).toEqual([4, 3]);
    });

    check('a group is created by a first record that adds its author', async ({ stores: { groups } }) => {
      const [alice, bob] = [someUser(), someUser()];
      const groupId = someGroup();
      expect(await groups.append(change(groupId, 1, alice, { added: [bob] }))).toBe('unknown');
      expect(await groups.append(change(groupId, 1, alice, { added: [alice], removed: [bob] }))).toBe('unknown');
      expect(await groups.append(change(groupId, 2, alice, { added: [alice] }))).toBe('conflict');
      expect(await groups.append(change(groupId, 1, alice, { added: [alice] }))).toBe('appended');
      expect(await groups.append(change(groupId, 1, bob, { added: [bob] }))).toBe('unknown');
      expect(await groups.members(groupId)).toEqual([alice]);
    });

    check('an ambiguous append, then a retry: stored once, whoever is a member by then', async ({ stores }) => {
      const { groups } = stores;
      const [alice, bob] = [someUser(), someUser()];
      const groupId = await made(groups, [alice, bob]);
      const leaving = change(groupId, 2, bob, { removed: [bob] });
      expect(await appendAll(groups, [leaving, leaving])).toEqual(['appended', 'repeated']);
      expect(await groups.append(change(groupId, 3, alice))).toBe('appended');
      expect(await groups.append(leaving)).toBe('repeated');
      expect(await groups.append({ ...leaving, record: { ...leaving.record, bytes: someBytes(90) } })).toBe('unknown');
      expect((await groups.records(groupId, reader(alice), 0, wholeLog))?.records.length).toBe(3);
    });

    check('two appends at one revision: one wins', async ({ stores: { groups } }) => {
      const [alice, bob] = [someUser(), someUser()];
      const groupId = await made(groups, [alice, bob]);
      const both = [change(groupId, 2, alice, { removed: [bob] }), change(groupId, 2, bob, { removed: [alice] })];
      const statuses = await Promise.all(both.map((append) => groups.append(append)));
      expect(statuses.filter((status) => status === 'appended').length).toBe(1);
      const winner = both[statuses.indexOf('appended')];
      expect(await groups.members(groupId)).toEqual([winner?.actor]);
      const log = await groups.records(groupId, reader(winner?.actor ?? alice), 1, wholeLog);
      expect(told(log)).toEqual([2, 2, hex(winner?.record.bytes)]);
    });

    check('50 members append at once: the log has no gap, each record stands once', async ({ stores: { groups } }) => {
      const members = Array.from({ length: 50 }, someUser);
      const groupId = await made(groups, members);
      const appends = members.map((member, at) => change(groupId, 2 + (at % 5), member));
      const statuses = await Promise.all(appends.map((append) => groups.append(append)));
      const winners = appends.filter((_, at) => statuses[at] === 'appended');
      const page = await groups.records(groupId, reader(members[0] ?? someUser()), 1, wholeLog);
      expect(told(page)).toEqual([2, 1 + winners.length, ...winners.map(({ record }) => hex(record.bytes))]);
      expect(winners.map(({ record }) => record.revision)).toEqual(winners.map((_, at) => 2 + at));
    });

    check('a record at a revision that is taken, or ahead, is refused and changes nothing', async ({ stores }) => {
      const { groups } = stores;
      const [alice, bob] = [someUser(), someUser()];
      const groupId = await made(groups, [alice]);
      for (const revision of [1, 3, 1_000]) {
        expect(await groups.append(change(groupId, revision, alice, { added: [bob] }))).toBe('conflict');
      }
      expect(await groups.members(groupId)).toEqual([alice]);
      expect(await groups.groupsOf(bob, undefined, 10)).toEqual([]);
    });

    check('who comes later reads from the last checkpoint on, and keeps that beginning', async ({ stores }) => {
      const { groups } = stores;
      const [alice, bob] = [someUser(), someUser()];
      const groupId = await made(groups, [alice]);
      await appendAll(groups, [change(groupId, 2, alice), change(groupId, 3, alice)]);
      await groups.putCheckpoint(groupId, alice, seal(2));
      await groups.append(change(groupId, 4, alice, { added: [bob] }));
      const ofBob = async (after = 0) => {
        const page = await groups.records(groupId, reader(bob), after, wholeLog);
        return [page?.firstRevision, page?.records.length, page?.lastRevision];
      };
      expect(await ofBob()).toEqual([3, 2, 4]);
      await appendAll(groups, [change(groupId, 5, bob, { removed: [bob] }), change(groupId, 6, alice)]);
      await groups.putCheckpoint(groupId, alice, seal(6));
      expect(await ofBob()).toEqual([3, 3, 5]);
      await groups.append(change(groupId, 7, alice, { added: [bob] }));
      expect(await ofBob(5)).toEqual([6, 2, 7]);
      expect(await ofBob()).toEqual([3, 5, 7]);
    });

    check('gives a log in pages, bounded by records and by bytes', async ({ stores: { groups } }) => {
      const alice = someUser();
      const groupId = await made(groups, [alice]);
      for (let revision = 2; revision <= 12; revision++) {
        await groups.append(change(groupId, revision, alice, {}, { bytes: someBytes(100) }));
      }
      const lengths = async (after: number, records: number, bytes: number) => {
        const page = await groups.records(groupId, reader(alice), after, { records, bytes });
        return [page?.firstRevision, page?.records.length, page?.lastRevision];
      };
      expect(await lengths(1, 5, 10_000)).toEqual([2, 5, 12]);
      expect(await lengths(6, 5, 10_000)).toEqual([7, 5, 12]);
      expect(await lengths(11, 5, 10_000)).toEqual([12, 1, 12]);
      expect(await lengths(1, 100, 300)).toEqual([2, 3, 12]);
      expect(await lengths(1, 100, 299)).toEqual([2, 2, 12]);
      expect(await lengths(1, 100, 1)).toEqual([2, 1, 12]);
    });

    check('a group is full at its limit, and no further', async ({ stores: { groups } }) => {
      const members = Array.from({ length: 1_024 }, someUser);
      const [alice = someUser(), bob = someUser()] = members;
      const groupId = await made(groups, members.slice(0, 1_023));
      const [last = someUser(), more] = [members[1_023], someUser()];
      expect(await groups.append(change(groupId, 2, alice, { added: [last, more] }))).toBe('full');
      expect(await groups.append(change(groupId, 2, alice, { added: [last] }))).toBe('appended');
      expect(await groups.append(change(groupId, 3, alice, { added: [more] }))).toBe('full');
      expect(await groups.append(change(groupId, 3, alice, { added: [more], removed: [bob] }))).toBe('appended');
      expect((await groups.members(groupId)).length).toBe(1_024);
      const large = change(someGroup(), 1, alice, { added: [alice, bob] }, { mostMembers: 1 });
      expect(await groups.append(large)).toBe('full');
    });

    check('keeps the newest checkpoint, of members alone', async ({ stores: { groups } }) => {
      const alice = someUser();
      const groupId = await made(groups, [alice]);
      await appendAll(groups, [change(groupId, 2, alice), change(groupId, 3, alice)]);
      expect(await groups.checkpoint(groupId, reader(alice))).toBe(undefined);
      const [second, third] = [seal(2), seal(3)];
      expect(await groups.putCheckpoint(groupId, someUser(), second)).toBe('unknown');
      expect(await groups.putCheckpoint(groupId, alice, seal(4))).toBe('conflict');
      expect(await groups.putCheckpoint(groupId, alice, second)).toBe('kept');
      expect(await groups.putCheckpoint(groupId, alice, third)).toBe('kept');
      for (const late of [second, seal(3)]) expect(await groups.putCheckpoint(groupId, alice, late)).toBe('kept');
      const kept = await groups.checkpoint(groupId, reader(alice));
      expect([kept?.revision, hex(kept?.bytes)]).toEqual([3, hex(third.bytes)]);
    });

    check('an invite shows its box and what came after it, to its token', async ({ stores: { groups } }) => {
      const [alice, bob] = [someUser(), someUser()];
      const groupId = await made(groups, [alice]);
      await appendAll(groups, [change(groupId, 2, alice), change(groupId, 3, alice)]);
      const invite = { tokenHash: someBytes(32), box: seal(2) };
      expect(await groups.putInvite(groupId, bob, invite)).toBe('unknown');
      expect(await groups.putInvite(groupId, alice, { ...invite, box: seal(4) })).toBe('conflict');
      expect(await groups.putInvite(groupId, alice, invite)).toBe('kept');
      expect(await groups.invited(groupId, someBytes(32), 0, wholeLog)).toBe(undefined);
      expect(await groups.invited(someGroup(), invite.tokenHash, 0, wholeLog)).toBe(undefined);
      const shown = await groups.invited(groupId, invite.tokenHash, 0, wholeLog);
      expect([shown?.box.revision, hex(shown?.box.bytes)]).toEqual([2, hex(invite.box.bytes)]);
      expect([shown?.page.firstRevision, shown?.page.records.length, shown?.page.lastRevision]).toEqual([3, 1, 3]);
      const other = { tokenHash: someBytes(32), box: seal(3) };
      await groups.putInvite(groupId, alice, other);
      expect(await groups.invited(groupId, invite.tokenHash, 0, wholeLog)).toBe(undefined);
      expect((await groups.invited(groupId, other.tokenHash, 0, wholeLog))?.page.records.length).toBe(0);
      expect(await groups.putInvite(groupId, alice, undefined)).toBe('kept');
      expect(await groups.invited(groupId, other.tokenHash, 0, wholeLog)).toBe(undefined);
    });

    check('an invite appends one record, that adds its author or nobody', async ({ stores: { groups } }) => {
      const [alice, bob, carol] = [someUser(), someUser(), someUser()];
      const groupId = await made(groups, [alice]);
      const inviteHash = someBytes(32);
      await groups.putInvite(groupId, alice, { tokenHash: inviteHash, box: seal(1) });
      const by = (revision: number, actor: UserId, members = {}) =>
        groups.append(change(groupId, revision, actor, members, { inviteHash }));
      expect(await by(2, bob, { added: [bob, carol] })).toBe('unknown');
      expect(await by(2, bob, { added: [carol] })).toBe('unknown');
      expect(await by(2, bob, { added: [bob], removed: [alice] })).toBe('unknown');
      const wrong = change(groupId, 2, bob, { added: [bob] }, { inviteHash: someBytes(32) });
      expect(await groups.append(wrong)).toBe('unknown');
      expect(await by(3, bob, { added: [bob] })).toBe('conflict');
      // A guest brings no key of its own: nobody else would have it.
      for (const key of [{ keyEpoch: 2 }, { keyCommitment: someBytes(32) }]) {
        const foreign = change(groupId, 2, bob, { added: [bob] }, { inviteHash, ...key });
        expect(await groups.append(foreign)).toBe('conflict');
      }
      expect(await by(2, bob)).toBe('appended');
      expect(await by(3, bob, { added: [bob] })).toBe('invite-used');
      expect(await groups.records(groupId, reader(bob), 0, wholeLog)).toBe(undefined);
      expect(await by(3, carol, { added: [carol] })).toBe('appended');
      expect([...(await groups.members(groupId))].sort()).toEqual([alice, carol].sort());
      const newKey = { keyEpoch: 2, keyCommitment: someBytes(32) };
      const approved = change(groupId, 4, carol, { added: [bob] }, newKey);
      expect(await groups.append(approved)).toBe('appended');
      const dave = someUser();
      const join = (key: object) => groups.append(change(groupId, 5, dave, { added: [dave] }, { inviteHash, ...key }));
      expect([await join({}), await join(newKey)]).toEqual(['conflict', 'appended']);
      expect((await groups.records(groupId, reader(bob), 0, wholeLog))?.firstRevision).toBe(1);
    });

    check('who was removed does not come back by the invite that it used; who left, does', async ({ stores }) => {
      const { groups } = stores;
      const [alice, bob, carol] = [someUser(), someUser(), someUser()];
      const groupId = await made(groups, [alice]);
      const inviteHash = someBytes(32);
      await groups.putInvite(groupId, alice, { tokenHash: inviteHash, box: seal(1) });
      const join = (revision: number, actor: UserId) =>
        groups.append(change(groupId, revision, actor, { added: [actor] }, { inviteHash }));
      expect([await join(2, bob), await join(3, carol)]).toEqual(['appended', 'appended']);
      await groups.append(change(groupId, 4, alice, { removed: [bob] }));
      await groups.append(change(groupId, 5, carol, { removed: [carol] }));
      expect([await join(6, bob), await join(6, carol)]).toEqual(['invite-used', 'appended']);
    });

    checkWith('reopen', 'log, members, checkpoint and invite outlive a restart', async (harness) => {
      const [alice, bob] = [someUser(), someUser()];
      const groupId = await made(harness.stores.groups, [alice, bob]);
      const last = change(groupId, 2, alice, { removed: [bob] }, { at: start + 5 });
      await harness.stores.groups.append(last);
      const tokenHash = someBytes(32);
      await harness.stores.groups.putCheckpoint(groupId, alice, seal(2));
      await harness.stores.groups.putInvite(groupId, alice, { tokenHash, box: seal(2) });
      await harness.reopen();
      const { groups } = harness.stores;
      expect(await groups.append(last)).toBe('repeated');
      expect(await groups.append(change(groupId, 2, alice))).toBe('conflict');
      expect(await groups.members(groupId)).toEqual([alice]);
      expect((await groups.records(groupId, reader(bob), 0, wholeLog))?.records.length).toBe(2);
      expect((await groups.checkpoint(groupId, reader(alice)))?.revision).toBe(2);
      expect((await groups.invited(groupId, tokenHash, 0, wholeLog))?.box.revision).toBe(2);
      expect(await groups.mayRepair(groupId, reader(bob, start + week + 4))).toBe(true);
      expect(await groups.mayRepair(groupId, reader(bob, start + week + 5))).toBe(false);
      const guest = someUser();
      const join = (key: object) =>
        groups.append(change(groupId, 3, guest, { added: [guest] }, { inviteHash: tokenHash, ...key }));
      expect([await join({ keyCommitment: someBytes(32) }), await join({})]).toEqual(['conflict', 'appended']);
    });
  });
}
