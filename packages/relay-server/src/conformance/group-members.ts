import type { GroupId, UserId } from '../ports/ids.ts';
import type { RelayStores } from '../ports/relay-stores.ts';
import { appendAll, change, made, reader, seal, someGroup, wholeLog } from './group-samples.ts';
import { type HarnessMaker, hex, suite } from './harness.ts';
import type { Runner } from './runner.ts';
import { someAccount, someBytes, someEnding, someUser, start } from './samples.ts';

type Stores = Pick<RelayStores, 'accounts' | 'control' | 'groups'>;

const week = 7 * 86_400_000;

/** What every `GroupStore` must hold of members: who is one, what those see who were, and what ends with an account. */
export function groupMembersConformance(runner: Runner, maker: HarnessMaker<RelayStores>): void {
  const { expect } = runner;
  suite<Stores>(runner, 'GroupStore, members', maker as HarnessMaker<Stores>, ({ check, checkWith }) => {
    check('members are whom the appends add and do not remove  [security: group-membership]', async ({ stores }) => {
      const { groups } = stores;
      const [alice, bob, carol] = [someUser(), someUser(), someUser()];
      const groupId = await made(groups, [alice, bob]);
      const members = async () => [...(await groups.members(groupId))].sort();
      await groups.append(change(groupId, 2, bob, { added: [carol, alice] }));
      expect(await members()).toEqual([alice, bob, carol].sort());
      await groups.append(change(groupId, 3, alice, { removed: [bob, someUser()] }));
      expect(await members()).toEqual([alice, carol].sort());
      expect(await groups.append(change(groupId, 4, bob))).toBe('unknown');
      await groups.append(change(groupId, 4, carol, { added: [bob], removed: [carol] }));
      expect(await members()).toEqual([alice, bob].sort());
      expect(await groups.members(someGroup())).toEqual([]);
    });

    check('who is no member reads nothing  [security: group-membership]', async ({ stores: { groups } }) => {
      const [alice, bob] = [someUser(), someUser()];
      const groupId = await made(groups, [alice, bob]);
      await groups.putCheckpoint(groupId, alice, seal(1));
      const stranger = reader(someUser());
      expect(await groups.records(groupId, stranger, 0, wholeLog)).toBe(undefined);
      expect(await groups.checkpoint(groupId, stranger)).toBe(undefined);
      expect(await groups.mayRepair(groupId, stranger)).toBe(false);
      expect(await groups.mayRepair(someGroup(), reader(alice))).toBe(false);
      expect(await groups.mayRepair(groupId, reader(alice))).toBe(true);
    });

    check(
      'who was removed reads all of it for seven days, then up to that, and never appends  [security: removed-member]',
      async ({ stores: { groups } }) => {
        const [alice, bob, carol] = [someUser(), someUser(), someUser()];
        const groupId = await made(groups, [alice, bob, carol]);
        await appendAll(groups, [
          change(groupId, 2, alice),
          change(groupId, 3, alice, { removed: [bob] }),
          change(groupId, 4, carol, { removed: [carol] }),
          change(groupId, 5, alice),
        ]);
        await groups.putCheckpoint(groupId, alice, seal(5));
        const seen = async (user: UserId, at: number) => {
          const page = await groups.records(groupId, reader(user, at), 0, wholeLog);
          const checkpoint = await groups.checkpoint(groupId, reader(user, at));
          return [page?.records.length, page?.lastRevision, checkpoint?.revision];
        };
        expect(await seen(bob, start + week - 1)).toEqual([5, 5, 5]);
        expect(await seen(bob, start + week)).toEqual([3, 3, undefined]);
        expect((await groups.records(groupId, reader(bob, start + week), 3, wholeLog))?.records.length).toBe(0);
        // Who leaves of its own accord has nothing to repair.
        expect(await seen(carol, start)).toEqual([4, 4, undefined]);
        expect(await groups.append(change(groupId, 6, bob))).toBe('unknown');
        expect(await groups.append(change(groupId, 6, bob, { added: [bob] }))).toBe('unknown');
      },
    );

    check('tells members from those who came by themselves  [security: group-membership]', async ({ stores }) => {
      const { groups } = stores;
      const [alice, bob, carol, dave, mallory] = [someUser(), someUser(), someUser(), someUser(), someUser()];
      const groupId = await made(groups, [alice, bob, mallory]);
      const inviteHash = someBytes(32);
      await groups.putInvite(groupId, alice, { tokenHash: inviteHash, box: seal(1) });
      const as = async (user: UserId, shown?: Uint8Array, at = start) =>
        (await groups.caller(groupId, reader(user, at), shown)).as;
      expect([await as(alice), await as(bob), await as(carol)]).toEqual(['member', 'member', 'nobody']);
      expect([await as(carol, inviteHash), await as(carol, someBytes(32))]).toEqual(['guest', 'nobody']);
      await groups.append(change(groupId, 2, carol, { added: [carol] }, { inviteHash }));
      await groups.append(change(groupId, 3, alice, { added: [dave] }));
      expect([await as(carol), await as(dave)]).toEqual(['by-itself', 'member']);
      await groups.append(change(groupId, 4, alice, { removed: [mallory] }));
      const letIn = (actor: UserId, added: UserId) =>
        groups.repair({ groupId, actor, added: [added], removed: [], at: start, mostMembers: 9 });
      expect([await letIn(mallory, mallory), await as(mallory)]).toEqual(['repaired', 'by-itself']);
      expect(await as(mallory, undefined, start + week)).toBe('member');
      await groups.append(change(groupId, 5, alice, { removed: [mallory] }));
      expect([await letIn(alice, mallory), await as(mallory)]).toEqual(['repaired', 'member']);
      expect(await groups.caller(groupId, reader(alice), undefined)).toEqual({ as: 'member', revision: 5 });
      expect(await groups.caller(someGroup(), reader(alice), undefined)).toEqual({ as: 'nobody', revision: 0 });
    });

    check('the table is repaired by members, and by those who were removed not long ago', async ({ stores }) => {
      const { groups } = stores;
      const [alice, bob, carol, mallory] = [someUser(), someUser(), someUser(), someUser()];
      const groupId = await made(groups, [alice, bob, carol, mallory]);
      await groups.append(change(groupId, 2, carol, { removed: [carol] }));
      await groups.append(change(groupId, 3, mallory, { removed: [alice, bob] }));
      const members = async () => [...(await groups.members(groupId))].sort();
      const repair = (actor: UserId, at: number, added: readonly UserId[], removed: readonly UserId[] = []) =>
        groups.repair({ groupId, actor, added, removed, at, mostMembers: 4 });
      const dave = someUser();
      for (const other of [carol, dave]) expect(await repair(other, start, [other], [mallory])).toBe('unknown');
      expect(await repair(alice, start + week, [alice])).toBe('unknown');
      expect(await members()).toEqual([mallory]);
      expect(await repair(alice, start + week - 1, [alice, bob], [mallory, dave])).toBe('repaired');
      expect(await members()).toEqual([alice, bob].sort());
      expect(await repair(bob, start, [dave])).toBe('repaired');
      expect(await members()).toEqual([alice, bob, dave].sort());
      expect(await repair(alice, start, [carol, mallory])).toBe('full');
      expect(await repair(alice, start, [carol, mallory], [dave])).toBe('repaired');
      expect(await members()).toEqual([alice, bob, carol, mallory].sort());
      expect(await groups.append(change(groupId, 4, alice))).toBe('appended');
      // Whoever is let in by a repair reads from the beginning: it may have been welcomed long ago.
      expect((await groups.records(groupId, reader(dave), 0, wholeLog))?.records.length).toBe(4);
      const nowhere = { groupId: someGroup(), actor: alice, added: [alice], removed: [], at: start, mostMembers: 4 };
      expect(await groups.repair(nowhere)).toBe('unknown');
    });

    check(
      'who lets itself in has seven days from its removal, however often  [security: removed-member]',
      async ({ stores: { groups } }) => {
        const [alice, mallory] = [someUser(), someUser()];
        const groupId = await made(groups, [alice, mallory]);
        await groups.append(change(groupId, 2, alice, { removed: [mallory] }));
        const repair = (actor: UserId, at: number, added: readonly UserId[], removed: readonly UserId[] = []) =>
          groups.repair({ groupId, actor, added, removed, at, mostMembers: 4 });
        for (const at of [start, start + week / 2, start + week - 2]) {
          expect(await repair(mallory, at, [mallory])).toBe('repaired');
          expect(await repair(alice, at + 1, [], [mallory])).toBe('repaired');
        }
        expect(await repair(mallory, start + week, [mallory])).toBe('unknown');
        expect(await groups.members(groupId)).toEqual([alice]);
        // Whom another one lets in has them anew.
        const other = await made(groups, [alice, mallory]);
        const inOther = { groupId: other, actor: alice, added: [], removed: [], mostMembers: 4 };
        await groups.append(change(other, 2, alice, { removed: [mallory] }));
        await groups.repair({ ...inOther, added: [mallory], at: start + 10 });
        await groups.repair({ ...inOther, removed: [mallory], at: start + 20 });
        expect(await groups.mayRepair(other, reader(mallory, start + week + 19))).toBe(true);
        expect(await groups.mayRepair(other, reader(mallory, start + week + 20))).toBe(false);
      },
    );

    check(
      'who lets itself in brings no other state key: nobody else may have it  [security: removed-member]',
      async ({ stores: { groups } }) => {
        const [alice, bob, mallory] = [someUser(), someUser(), someUser()];
        const groupId = await made(groups, [alice, bob, mallory]);
        await groups.append(change(groupId, 2, alice, { removed: [bob, mallory] }));
        const repair = (actor: UserId, added: UserId) =>
          groups.repair({ groupId, actor, added: [added], removed: [], at: start, mostMembers: 4 });
        const nextKey = { keyEpoch: 2, keyCommitment: someBytes(32) };
        for (const actor of [bob, mallory]) {
          expect(await repair(actor, actor)).toBe('repaired');
          expect(await groups.append(change(groupId, 3, actor, {}, nextKey))).toBe('unknown');
        }
        expect(await groups.append(change(groupId, 3, bob))).toBe('appended');
        expect(await groups.append(change(groupId, 4, alice, {}, nextKey))).toBe('appended');
        expect(await groups.append(change(groupId, 5, mallory, {}, nextKey))).toBe('appended');
        const later = { keyEpoch: 3, keyCommitment: someBytes(32) };
        expect(await groups.append(change(groupId, 6, mallory, {}, later))).toBe('unknown');
        expect(await groups.append(change(groupId, 6, mallory, {}, { ...later, at: start + week }))).toBe('appended');
        // Whom another one lets in is a member like all.
        const other = await made(groups, [alice, mallory]);
        await groups.append(change(other, 2, alice, { removed: [mallory] }));
        await groups.append(change(other, 3, alice, { added: [mallory] }));
        expect(await groups.append(change(other, 4, mallory, {}, nextKey))).toBe('appended');
      },
    );

    check('tells the groups of which somebody is a member, in pages', async ({ stores: { groups } }) => {
      const [alice, bob] = [someUser(), someUser()];
      const ids: GroupId[] = [];
      for (let count = 0; count < 5; count++) ids.push(await made(groups, [alice, bob]));
      ids.sort(Buffer.compare);
      await groups.append(change(ids[1] ?? someGroup(), 2, bob, { removed: [bob] }));
      const of = async (user: UserId, after: GroupId | undefined, limit: number) =>
        (await groups.groupsOf(user, after, limit)).map(({ groupId, revision }) => [hex(groupId), revision]);
      const names = ids.map((id, at) => [hex(id), at === 1 ? 2 : 1]);
      expect(await of(alice, undefined, 10)).toEqual(names);
      expect(await of(alice, undefined, 2)).toEqual(names.slice(0, 2));
      expect(await of(alice, ids[1], 2)).toEqual(names.slice(2, 4));
      expect(await of(bob, undefined, 10)).toEqual(names.filter((_, at) => at !== 1));
      expect(await of(someUser(), undefined, 10)).toEqual([]);
    });

    check('an account that ends is in no group, and in none again; the logs stay', async ({ stores }) => {
      const { accounts, control, groups } = stores;
      const [account, other] = [someAccount(), someAccount()];
      for (const each of [account, other]) await accounts.register(each);
      const [ended, alice] = [account.userId, other.userId];
      const groupId = await made(groups, [alice, ended]);
      const left = await made(groups, [ended, alice]);
      await groups.append(change(left, 2, ended, { removed: [ended] }));
      const last = change(groupId, 2, ended);
      await control.end(someEnding(account));
      expect(await groups.members(groupId)).toEqual([alice]);
      expect(await groups.groupsOf(ended, undefined, 10)).toEqual([]);
      expect(await groups.records(left, reader(ended), 0, wholeLog)).toBe(undefined);
      expect((await groups.records(left, reader(alice), 0, wholeLog))?.records.length).toBe(2);
      expect(await groups.append(last)).toBe('unknown');
      expect(await groups.append(change(groupId, 2, alice, { added: [ended] }))).toBe('ended');
      expect(await groups.append(change(someGroup(), 1, ended, { added: [ended] }))).toBe('ended');
      const mending = { groupId, actor: alice, added: [ended], removed: [], at: start, mostMembers: 9 };
      expect(await groups.repair(mending)).toBe('repaired');
      expect(await groups.members(groupId)).toEqual([alice]);
      expect(await groups.append(change(groupId, 2, alice, { removed: [ended] }))).toBe('appended');
    });

    check('an append beside the end of its author leaves nothing, whichever comes first', async ({ stores }) => {
      const { accounts, control, groups } = stores;
      const account = someAccount();
      await accounts.register(account);
      const { userId } = account;
      const other = someUser();
      const groupId = await made(groups, [userId, other]);
      const alone = someGroup();
      const [, ...statuses] = await Promise.all([
        control.end(someEnding(account)),
        groups.append(change(groupId, 2, userId)),
        groups.append(change(alone, 1, userId, { added: [userId] })),
      ]);
      const possible = new Set(['appended', 'unknown', 'ended']);
      expect(statuses.map((status) => possible.has(status))).toEqual([true, true]);
      expect([await groups.members(groupId), await groups.members(alone)]).toEqual([[other], []]);
      expect(await groups.groupsOf(userId, undefined, 10)).toEqual([]);
      expect((await groups.caller(groupId, reader(other), undefined)).revision).toBe(
        statuses[0] === 'appended' ? 2 : 1,
      );
      expect(await groups.append(change(alone, 1, other, { added: [other] }))).toBe('appended');
    });

    check('a log goes with the last account that ever was a member', async ({ stores }) => {
      const { accounts, control, groups } = stores;
      const [one, other] = [someAccount(), someAccount()];
      for (const each of [one, other]) await accounts.register(each);
      const [alice, bob] = [one.userId, other.userId];
      const groupId = await made(groups, [alice, bob]);
      const inviteHash = someBytes(32);
      await groups.putInvite(groupId, alice, { tokenHash: inviteHash, box: seal(1) });
      await groups.append(change(groupId, 2, bob, { removed: [bob] }));
      await control.end(someEnding(one));
      expect((await groups.records(groupId, reader(bob), 0, wholeLog))?.records.length).toBe(2);
      await control.end(someEnding(other));
      expect(await groups.invited(groupId, inviteHash, 0, wholeLog)).toBe(undefined);
      const dave = someUser();
      expect(await groups.append(change(groupId, 1, dave, { added: [dave] }))).toBe('appended');
    });

    checkWith('files', 'no file names an ended account, though it came and went by the logs', async (harness) => {
      const { accounts, control, groups } = harness.stores;
      const account = someAccount();
      await accounts.register(account);
      const [alice, ended] = [someUser(), account.userId];
      const groupId = await made(groups, [ended, alice]);
      await groups.append(change(groupId, 2, alice, { removed: [ended] }));
      await groups.repair({ groupId, actor: ended, added: [ended], removed: [], at: start, mostMembers: 9 });
      await groups.append(change(groupId, 3, ended, { removed: [ended] }));
      const other = await made(groups, [alice]);
      await groups.append(change(other, 2, alice, { added: [ended] }));
      const user = Buffer.from(ended.replaceAll('-', ''), 'hex');
      const naming = async () => (await harness.files()).filter((file) => Buffer.from(file).includes(user)).length;
      expect((await naming()) > 0).toBe(true);
      await control.end(someEnding(account));
      // Until then the id stands with what is left to be swept.
      await control.swept([ended]);
      await harness.reopen();
      expect(await harness.stores.groups.members(other)).toEqual([alice]);
      expect((await harness.stores.groups.records(groupId, reader(alice), 0, wholeLog))?.records.length).toBe(3);
      expect(await naming()).toBe(0);
    });
  });
}
