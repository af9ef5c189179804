import type { GroupAvatarPlace } from '../ports/group-avatar-store.ts';
import type { GroupId, UserId } from '../ports/ids.ts';
import type { RelayStores } from '../ports/relay-stores.ts';
import { change, made, reader, seal, someGroup } from './group-samples.ts';
import { type HarnessMaker, hex, suite } from './harness.ts';
import type { Runner } from './runner.ts';
import { someAccount, someBytes, someEnding, someUser, start } from './samples.ts';

type Stores = Pick<RelayStores, 'groups' | 'groupAvatars' | 'accounts' | 'control'>;

const minute = 60_000;
const day = 86_400_000;

function somePlace(groupId: GroupId): GroupAvatarPlace {
  return { groupId, location: someBytes(32) };
}

/** What every `GroupAvatarStore` must hold. */
export function groupAvatarStoreConformance(runner: Runner, maker: HarnessMaker<RelayStores>): void {
  const { expect } = runner;
  suite<Stores>(runner, 'GroupAvatarStore', maker as HarnessMaker<Stores>, ({ check, checkWith }) => {
    const locationsOf = (places: readonly GroupAvatarPlace[]) => places.map(({ location }) => hex(location));

    /** A group at revision 1, whose owner uploads as told; the revisions of what it appends go on by themselves. */
    async function group({ groups, groupAvatars }: Stores, ...others: readonly UserId[]) {
      const owner = someUser();
      const groupId = await made(groups, [owner, ...others]);
      let revision = 1;
      return {
        owner,
        groupId,
        upload: async (at: number, actor = owner, place = somePlace(groupId)) => {
          expect(await groupAvatars.reserve({ ...place, actor, at })).toBe('reserved');
          return place;
        },
        append: (
          avatar: GroupAvatarPlace | null | undefined,
          at: number,
          { actor = owner, added = [] as UserId[], removed = [] as UserId[] } = {},
        ) => {
          revision++;
          const location = avatar == null ? avatar : avatar.location;
          return groups.append(change(groupId, revision, actor, { added, removed }, { avatar: location, at }));
        },
        sees: (place: GroupAvatarPlace, at: number, userId = owner) => groupAvatars.mayRead(place, reader(userId, at)),
      };
    }

    check('members read what was let in, and nobody else', async ({ stores }) => {
      const { groupAvatars } = stores;
      const [bob, stranger] = [someUser(), someUser()];
      const { groupId, upload, sees, append } = await group(stores, bob);
      const place = await upload(start, bob);
      expect([await sees(place, start), await sees(place, start, bob)]).toEqual([true, true]);
      expect(await sees(place, start, stranger)).toBe(false);
      expect(await sees(somePlace(groupId), start)).toBe(false);
      expect(await sees({ ...place, groupId: someGroup() }, start)).toBe(false);
      const foreign = { ...somePlace(groupId), actor: stranger, at: start };
      expect(await groupAvatars.reserve(foreign)).toBe('unknown');
      await append(place, start, { removed: [bob] });
      expect([await sees(place, start), await sees(place, start, bob)]).toEqual([true, false]);
      expect(await groupAvatars.reserve({ ...somePlace(groupId), actor: bob, at: start })).toBe('unknown');
    });

    check('the current one has no end; one that no append named ends after two days', async ({ stores }) => {
      const { groupAvatars } = stores;
      const { upload, append, sees } = await group(stores);
      const [named, crashed] = [await upload(start), await upload(start)];
      await append(named, start + day);
      const soon = start + 2 * day;
      expect([await sees(named, soon - 1), await sees(crashed, soon - 1)]).toEqual([true, true]);
      expect([await sees(named, soon), await sees(crashed, soon)]).toEqual([true, false]);
      expect(await groupAvatars.due(soon + 10 * minute - 1)).toEqual([]);
      expect(locationsOf(await groupAvatars.due(soon + 10 * minute))).toEqual([hex(crashed.location)]);
      expect(locationsOf(await groupAvatars.due(start + 10_000 * day))).toEqual([hex(crashed.location)]);
      expect(await sees(named, start + 10_000 * day)).toBe(true);
      await groupAvatars.swept([crashed]);
      expect(await groupAvatars.due(start + 10_000 * day)).toEqual([]);
      expect(await sees(named, start + 10_000 * day)).toBe(true);
    });

    check('one that was replaced stays for 31 days, for those who are behind', async ({ stores }) => {
      const { groupAvatars } = stores;
      const { upload, append, sees } = await group(stores);
      const [first, second, third] = [await upload(start), await upload(start + 1), await upload(start + 2)];
      await append(first, start);
      await append(second, start + day);
      // As before; and the same again.
      await append(undefined, start + day);
      await append(second, start + day);
      const end = start + 32 * day;
      expect([await sees(first, end - 1), await sees(first, end), await sees(second, end)]).toEqual([
        true,
        false,
        true,
      ]);
      // What has ended is not had back by naming it, nor what was never there: then there is none.
      await groupAvatars.swept([third]);
      await append(first, end);
      expect([await sees(first, end), await sees(second, end + 31 * day - 1)]).toEqual([false, true]);
      expect([await sees(second, end + 31 * day)]).toEqual([false]);
      expect(locationsOf(await groupAvatars.due(end + 40 * day))).toEqual(
        [first, second].map((one) => hex(one.location)),
      );
    });

    check('one that was replaced by mistake is current again when an append names it', async ({ stores }) => {
      const { upload, append, sees } = await group(stores);
      const place = await upload(start);
      await append(place, start);
      await append(null, start + day);
      await append(place, start + 31 * day);
      expect(await sees(place, start + 10_000 * day)).toBe(true);
    });

    check('a location is used once', async ({ stores }) => {
      const { groupAvatars } = stores;
      const { owner, upload, append, sees } = await group(stores);
      const place = await upload(start);
      const again = (at: number) => groupAvatars.reserve({ ...place, actor: owner, at });
      expect(await again(start + day)).toBe('repeated');
      expect(await sees(place, start + 3 * day - 1)).toBe(true);
      await append(place, start + day);
      expect(await again(start + 2 * day)).toBe('repeated');
      expect(await sees(place, start + 9 * day)).toBe(true);
      await append(null, start + 9 * day);
      // It has longer than two days: that stays.
      expect(await again(start + 10 * day)).toBe('repeated');
      expect([await sees(place, start + 40 * day - 1), await sees(place, start + 40 * day)]).toEqual([true, false]);
      expect(await again(start + 40 * day)).toBe('used');
      await groupAvatars.swept([place]);
      expect(await again(start + 40 * day)).toBe('reserved');
    });

    check('eight at a time: one more ends the oldest that is not current', async ({ stores }) => {
      const { groupAvatars } = stores;
      const { upload, append, sees } = await group(stores);
      const current = await upload(start);
      await append(current, start);
      const others: GroupAvatarPlace[] = [];
      for (let at = 1; at <= 8; at++) others.push(await upload(start + at));
      const seen = await Promise.all(others.map((place) => sees(place, start + 9)));
      expect(seen).toEqual([false, true, true, true, true, true, true, true]);
      expect(await sees(current, start + 9)).toBe(true);
      const { length } = await groupAvatars.due(start + 8 + 10 * minute - 1);
      expect(length).toBe(0);
      expect(locationsOf(await groupAvatars.due(start + 8 + 10 * minute))).toEqual([hex(others[0]?.location)]);
      const other = await group(stores);
      expect(await other.sees(await other.upload(start + 9), start + 9)).toBe(true);
      expect(await sees(others[1] ?? current, start + 9)).toBe(true);
    });

    check('a group that is made is given one beforehand, which its first record names', async ({ stores }) => {
      const { groups, groupAvatars } = stores;
      const [alice, groupId] = [someUser(), someGroup()];
      const [place, other] = [somePlace(groupId), somePlace(groupId)];
      for (const one of [place, other]) {
        expect(await groupAvatars.reserve({ ...one, actor: alice, at: start })).toBe('reserved');
      }
      expect(await groupAvatars.mayRead(place, reader(alice))).toBe(false);
      const first = change(groupId, 1, alice, { added: [alice] }, { avatar: place.location });
      expect(await groups.append(first)).toBe('appended');
      expect(await groupAvatars.mayRead(place, reader(alice, start + 400 * day))).toBe(true);
      expect(await groupAvatars.mayRead(other, reader(alice, start + 400 * day))).toBe(false);
    });

    check('only appends that were taken name one, and none of a guest', async ({ stores }) => {
      const { groups, groupAvatars } = stores;
      const { owner, groupId, upload, append, sees } = await group(stores);
      const [current, other] = [await upload(start), await upload(start + 1)];
      await append(current, start);
      const late = change(groupId, 2, owner, {}, { avatar: other.location, at: start + 1 });
      expect(await groups.append(late)).toBe('conflict');
      const [guest, inviteHash] = [someUser(), someBytes(32)];
      await groups.putInvite(groupId, owner, { tokenHash: inviteHash, box: seal(1) });
      const join = change(groupId, 3, guest, { added: [guest] }, { inviteHash, avatar: other.location, at: start + 1 });
      expect(await groups.append(join)).toBe('appended');
      expect([await sees(current, start + 90 * day), await sees(other, start + 90 * day)]).toEqual([true, false]);
      // Whoever has the token of the open invite sees what members see.
      const invited = (tokenHash: Uint8Array, at = start) => groupAvatars.mayReadInvited(current, tokenHash, at);
      expect([await invited(inviteHash), await invited(someBytes(32))]).toEqual([true, false]);
      expect(await groupAvatars.mayReadInvited(other, inviteHash, start + 90 * day)).toBe(false);
      await groups.putInvite(groupId, owner, undefined);
      expect(await invited(inviteHash)).toBe(false);
    });

    check('a group without members has none, 31 days later', async ({ stores }) => {
      const { groups } = stores;
      const [byRecord, byRepair] = [await group(stores), await group(stores)];
      const places = [await byRecord.upload(start), await byRepair.upload(start)] as const;
      await byRecord.append(places[0], start);
      await byRepair.append(places[1], start);
      await byRecord.append(places[0], start + day, { removed: [byRecord.owner] });
      const { groupId, owner } = byRepair;
      await groups.repair({ groupId, actor: owner, added: [], removed: [owner], at: start + day, mostMembers: 9 });
      const due = (at: number) => stores.groupAvatars.due(at);
      expect(await due(start + 32 * day)).toEqual([]);
      expect(locationsOf(await due(start + 33 * day)).sort()).toEqual(places.map((one) => hex(one.location)).sort());
    });

    check('those of a group end with the last account that was a member', async ({ stores }) => {
      const { accounts, control, groups, groupAvatars } = stores;
      const [alice, bob] = [someAccount(), someAccount()];
      for (const account of [alice, bob]) await accounts.register(account);
      const groupId = await made(groups, [alice.userId, bob.userId]);
      const [current, other] = [somePlace(groupId), somePlace(groupId)];
      for (const place of [current, other]) await groupAvatars.reserve({ ...place, actor: bob.userId, at: start });
      await groups.append(change(groupId, 2, alice.userId, {}, { avatar: current.location }));
      // A group that somebody who has left may still read the log of.
      const { owner, upload, append } = await group(stores, alice.userId);
      const ofOther = await upload(start);
      await append(ofOther, start);
      await append(ofOther, start, { removed: [owner] });
      await control.end(someEnding(alice, start + 1));
      expect(await groupAvatars.mayRead(current, reader(bob.userId, start + 90 * day))).toBe(true);
      expect(await groupAvatars.due(start + day)).toEqual([]);
      await control.end(someEnding(bob, start + 2));
      const ended = locationsOf(await groupAvatars.due(start + 2 + 10 * minute));
      expect([...ended].sort()).toEqual([current, other].map(({ location }) => hex(location)).sort());
      await groupAvatars.swept([current, other]);
      expect(locationsOf(await groupAvatars.due(start + 32 * day))).toEqual([hex(ofOther.location)]);
    });

    checkWith('reopen', 'what is stored and until when outlives a restart', async (harness) => {
      const { owner, upload, append } = await group(harness.stores);
      const [current, crashed] = [await upload(start), await upload(start)];
      await append(current, start);
      await harness.reopen();
      const { groupAvatars } = harness.stores;
      expect(await groupAvatars.mayRead(current, reader(owner, start + 90 * day))).toBe(true);
      expect(await groupAvatars.reserve({ ...crashed, actor: owner, at: start })).toBe('repeated');
      expect(locationsOf(await groupAvatars.due(start + 3 * day))).toEqual([hex(crashed.location)]);
    });
  });
}
