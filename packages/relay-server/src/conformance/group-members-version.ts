import type { GroupStore } from '../ports/group-store.ts';
import type { GroupId, UserId } from '../ports/ids.ts';
import type { RelayStores } from '../ports/relay-stores.ts';
import { change, made, seal, someGroup } from './group-samples.ts';
import { type HarnessMaker, suite } from './harness.ts';
import type { Expectation, Runner } from './runner.ts';
import { someAccount, someEnding, someUser, start } from './samples.ts';

type Stores = Pick<RelayStores, 'accounts' | 'control' | 'groups'>;

const looksAtOnce = 3;

/** Somebody who keeps the members of a group, and asks whether they still are. */
export class MembersKeeper {
  readonly #groups: GroupStore;
  readonly #groupId: GroupId;
  #kept: readonly UserId[] = [];
  version: string | undefined;

  constructor(groups: GroupStore, groupId: GroupId) {
    this.#groups = groups;
    this.#groupId = groupId;
  }

  async look(): Promise<readonly UserId[]> {
    const now = await this.#groups.membersSince(this.#groupId, this.version);
    if (now !== 'unchanged') {
      this.version = now.version;
      this.#kept = [...now.members].sort();
    }
    return this.#kept;
  }
}

/** What a race of one who changes members with several who keep them must show: no keeper is ever behind a change that had ended before it looked. */
export async function raceMembers(
  expect: (actual: unknown) => Expectation,
  writer: GroupStore,
  readers: readonly GroupStore[],
  rounds: number,
): Promise<void> {
  const alice = someUser();
  const groupId = await made(writer, [alice]);
  const keepers = readers.map((groups) => new MembersKeeper(groups, groupId));
  // The members after each change, the last of which may be under way.
  const states: (readonly UserId[])[] = [[alice]];
  let ended = 0;
  const look = async (keeper: MembersKeeper) => {
    for (let times = 0; times < looksAtOnce; times++) {
      const from = ended;
      const seen = await keeper.look();
      expect(states.slice(from).some((state) => state.join() === seen.join())).toBe(true);
    }
  };
  for (let round = 1; round <= rounds; round++) {
    const before = states.at(-1) ?? [];
    const removed = before.filter((user) => user !== alice).slice(0, round % 3);
    const added = [someUser()];
    states.push([...before.filter((user) => !removed.includes(user)), ...added].sort());
    const append = async () => {
      expect(await writer.append(change(groupId, round + 1, alice, { added, removed }))).toBe('appended');
      ended = round;
    };
    await Promise.all([append(), ...keepers.map(look)]);
  }
}

/** What every `GroupStore` must hold of versions of the table of members. */
export function groupMembersVersionConformance(runner: Runner, maker: HarnessMaker<RelayStores>): void {
  const { expect } = runner;
  suite<Stores>(runner, 'GroupStore, versions of members', maker as HarnessMaker<Stores>, ({ check, checkWith }) => {
    check('who keeps members is told when they are others  [security: removed-member]', async ({ stores }) => {
      const { groups } = stores;
      const [alice, bob, carol] = [someUser(), someUser(), someUser()];
      const groupId = await made(groups, [alice, bob]);
      const keeper = new MembersKeeper(groups, groupId);
      expect(await keeper.look()).toEqual([alice, bob].sort());
      expect(await groups.membersSince(groupId, keeper.version)).toBe('unchanged');
      await groups.append(change(groupId, 2, alice, { removed: [bob] }));
      expect(await keeper.look()).toEqual([alice]);
      expect(await groups.membersSince(groupId, keeper.version)).toBe('unchanged');
      // Without a record.
      const repair = { groupId, actor: alice, added: [bob, carol], removed: [], at: start, mostMembers: 9 };
      expect(await groups.repair(repair)).toBe('repaired');
      expect(await keeper.look()).toEqual([alice, bob, carol].sort());
      await groups.append(change(groupId, 3, carol, { removed: [carol] }));
      expect(await keeper.look()).toEqual([alice, bob].sort());
      // As it was at first: whatever the version is, the members are these.
      await groups.append(change(groupId, 4, alice, { added: [carol] }));
      await groups.append(change(groupId, 5, alice, { removed: [carol] }));
      expect(await keeper.look()).toEqual([alice, bob].sort());
    });

    check('what changes no members leaves them as they are', async ({ stores: { groups } }) => {
      const [alice, bob] = [someUser(), someUser()];
      const groupId = await made(groups, [alice, bob]);
      const keeper = new MembersKeeper(groups, groupId);
      await keeper.look();
      await groups.append(change(groupId, 2, bob));
      await groups.putCheckpoint(groupId, alice, seal(2));
      expect(await groups.append(change(groupId, 9, bob, { removed: [alice] }))).toBe('conflict');
      expect(await groups.append(change(groupId, 3, someUser(), { removed: [alice] }))).toBe('unknown');
      expect(await keeper.look()).toEqual([alice, bob].sort());
    });

    check('a group that comes to be after somebody has looked is seen', async ({ stores: { groups } }) => {
      const alice = someUser();
      const groupId = someGroup();
      const keeper = new MembersKeeper(groups, groupId);
      expect(await keeper.look()).toEqual([]);
      expect(await keeper.look()).toEqual([]);
      await groups.append(change(groupId, 1, alice, { added: [alice] }));
      expect(await keeper.look()).toEqual([alice]);
      // The version of one group is nothing to another.
      const other = await made(groups, [someUser()]);
      expect((await groups.membersSince(other, keeper.version)) === 'unchanged').toBe(false);
    });

    check('the end of an account is seen, and of the last one', async ({ stores }) => {
      const { accounts, control, groups } = stores;
      const [one, other] = [someAccount(), someAccount()];
      for (const each of [one, other]) await accounts.register(each);
      const [alice, bob] = [one.userId, other.userId];
      const groupId = await made(groups, [alice, bob]);
      const keeper = new MembersKeeper(groups, groupId);
      await keeper.look();
      await control.end(someEnding(one));
      expect(await keeper.look()).toEqual([bob]);
      await control.end(someEnding(other));
      expect(await keeper.look()).toEqual([]);
      const dave = someUser();
      await groups.append(change(groupId, 1, dave, { added: [dave] }));
      expect(await keeper.look()).toEqual([dave]);
    });

    check('no keeper is behind a change that has ended, whatever is under way', ({ stores: { groups } }) =>
      raceMembers(expect, groups, [groups, groups, groups], 20),
    );

    checkWith('reopen', 'versions outlive a restart', async (harness) => {
      const [alice, bob] = [someUser(), someUser()];
      const groupId = await made(harness.stores.groups, [alice, bob]);
      const now = await harness.stores.groups.membersSince(groupId, undefined);
      const version = now === 'unchanged' ? undefined : now.version;
      await harness.reopen();
      const { groups } = harness.stores;
      expect(await groups.membersSince(groupId, version)).toBe('unchanged');
      await groups.append(change(groupId, 2, alice, { removed: [bob] }));
      const next = await groups.membersSince(groupId, version);
      expect(next === 'unchanged' ? next : next.members).toEqual([alice]);
    });
  });
}
