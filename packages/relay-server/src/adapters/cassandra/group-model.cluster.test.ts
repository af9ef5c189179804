import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { change, reader, seal, someGroup, told } from '../../conformance/group-samples.ts';
import { hex } from '../../conformance/harness.ts';
import { someAccount, someBytes, someEnding, start } from '../../conformance/samples.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import type { GroupAvatarPlace } from '../../ports/group-avatar-store.ts';
import type { GroupAppend } from '../../ports/group-store.ts';
import type { GroupId, UserId } from '../../ports/ids.ts';
import { memoryStores } from '../memory/memory-stores.ts';
import { someRealm, TestKeyspace } from './cassandra-keyspace.ts';
import { type GroupNode, openGroupNode } from './group-harness.ts';

const day = 86_400_000;
const people = 4;
const mostMembers = 3;
const page = { records: 3, bytes: 1_000 };

/** Mostly of those who are members: others may do hardly anything. */
const actor = fc.record({ user: fc.nat(people - 1), isMember: fc.constantFrom(true, true, true, false) });
const person = fc.nat(people - 1);
const some = fc.uniqueArray(person, { maxLength: 2 });
const group = fc.constantFrom(0, 0, 0, 1);
const place = fc.nat(9);

const command = fc.oneof(
  {
    weight: 14,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      group,
      actor,
      added: some,
      removed: some,
      /** From the next revision. */
      off: fc.constantFrom(0, 0, 0, 0, 0, 0, -1, 1),
      key: fc.constantFrom(1, 1, 1, 2),
      avatar: fc.option(fc.option(place), { nil: undefined }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('join' as const),
      group,
      actor: fc.record({ user: fc.nat(people - 1), isMember: fc.constant(false) }),
      adds: fc.boolean(),
      key: fc.constantFrom(1, 1, 1, 2),
      invite: fc.nat(1),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('again' as const), pick: fc.nat(6) }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('repair' as const), group, actor, added: some, removed: some }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('checkpoint' as const),
      group,
      actor,
      off: fc.integer({ min: -3, max: 1 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('invite' as const),
      group,
      actor,
      invite: fc.option(fc.nat(1), { freq: 4 }),
      off: fc.constantFrom(-1, 0, 0, 1),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('reserve' as const), group, actor, place }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('sweep' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('end' as const), user: person }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.constantFrom(1, 60_000, day, 2 * day, 7 * day, 31 * day),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('look' as const) }) },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;
type Act = Exclude<Command, { kind: 'pass' | 'look' }>;
interface Actor {
  readonly actor: { readonly user: number; readonly isMember: boolean };
}
type Stores = Pick<GroupNode, 'groups' | 'groupAvatars' | 'control'>;

/** A history that memory and Cassandra have in common. */
class History {
  readonly #memory = memoryStores({ clock: settableClock() });
  readonly #nodes: readonly GroupNode[];
  readonly #accounts = Array.from({ length: people }, () => someAccount());
  readonly #groupIds: readonly GroupId[] = [someGroup(), someGroup()];
  readonly #places = Array.from({ length: 10 }, () => someBytes(32));
  readonly #tokens = [someBytes(32), someBytes(32)];
  readonly #keys = [someBytes(32), someBytes(32), someBytes(32)];
  readonly #appends: GroupAppend[] = [];
  #now = start;
  #turn = 0;

  constructor(nodes: readonly GroupNode[]) {
    this.#nodes = nodes;
  }

  async begin(): Promise<void> {
    for (const account of this.#accounts) {
      await this.#memory.accounts.register(account);
      await this.#node().accounts.register(account);
    }
  }

  async run(command: Command): Promise<void> {
    if (command.kind === 'pass') this.#now += command.ms;
    else if (command.kind === 'look') await this.look();
    else {
      const act = await this.#actOf(command);
      const expected = await act(this.#memory);
      expect([command, await act(this.#node())]).toEqual([command, expected]);
    }
  }

  /** All that anybody sees. */
  async look(): Promise<void> {
    const expected = await this.#seen(this.#memory);
    expect(await this.#seen(this.#node())).toEqual(expected);
  }

  /** The nodes take turns. */
  #node(): GroupNode {
    return of(this.#nodes, this.#turn++ % this.#nodes.length);
  }

  async #actOf(command: Act): Promise<(stores: Stores) => Promise<unknown>> {
    const at = this.#now;
    switch (command.kind) {
      case 'append': {
        const { groupId, actor, added, removed, next } = await this.#partsOf(command);
        const key = { keyEpoch: command.key, keyCommitment: of(this.#keys, command.key) };
        const avatar = command.avatar == null ? command.avatar : of(this.#places, command.avatar);
        const rest = { ...key, at, mostMembers, avatar, bytes: someBytes(20 + command.actor.user * 200) };
        const revision = Math.max(1, next + command.off);
        return this.#append(change(groupId, revision, actor, { added, removed }, rest));
      }
      case 'join': {
        const { groupId, actor, next } = await this.#partsOf(command);
        const key = { keyEpoch: command.key, keyCommitment: of(this.#keys, command.key) };
        const rest = { ...key, at, mostMembers, inviteHash: of(this.#tokens, command.invite) };
        return this.#append(change(groupId, next, actor, { added: command.adds ? [actor] : [] }, rest));
      }
      case 'again': {
        const append = this.#appends.at(-1 - command.pick);
        return async ({ groups }) => append && groups.append(append);
      }
      case 'repair': {
        const { groupId, actor, added, removed } = await this.#partsOf(command);
        return ({ groups }) => groups.repair({ groupId, actor, added, removed, at, mostMembers });
      }
      case 'checkpoint': {
        const { groupId, actor, next } = await this.#partsOf(command);
        const sealed = seal(Math.max(1, next - 1 + command.off));
        return ({ groups }) => groups.putCheckpoint(groupId, actor, sealed);
      }
      case 'invite': {
        const { groupId, actor, next } = await this.#partsOf(command);
        const box = seal(Math.max(1, next - 1 + command.off));
        const invite = command.invite === null ? undefined : { tokenHash: of(this.#tokens, command.invite), box };
        return ({ groups }) => groups.putInvite(groupId, actor, invite);
      }
      case 'reserve': {
        const { groupId, actor } = await this.#partsOf(command);
        const location = of(this.#places, command.place);
        return ({ groupAvatars }) => groupAvatars.reserve({ groupId, location, actor, at });
      }
      case 'sweep': {
        const due = await this.#memory.groupAvatars.due(at);
        return ({ groupAvatars }) => groupAvatars.swept(due);
      }
      case 'end': {
        const account = of(this.#accounts, command.user);
        const ending = someEnding(account, at);
        return async ({ control }) => void (await control.end(ending));
      }
    }
  }

  #append(append: GroupAppend): (stores: Stores) => Promise<unknown> {
    this.#appends.push(append);
    return ({ groups }) => groups.append(append);
  }

  async #partsOf(command: Actor & { group: number; added?: number[]; removed?: number[] }) {
    const groupId = of(this.#groupIds, command.group);
    const members = [...(await this.#memory.groups.members(groupId))].sort();
    const added = (command.added ?? []).map((user) => this.#user(user));
    const removed = (command.removed ?? []).map((user) => this.#user(user)).filter((user) => !added.includes(user));
    const { revision } = await this.#memory.groups.caller(groupId, reader(this.#user(0), this.#now), undefined);
    const { user, isMember } = command.actor;
    const actor = (isMember ? members[user % Math.max(1, members.length)] : undefined) ?? this.#user(user);
    // Or else hardly a group would come to be.
    const makes = revision === 0;
    return {
      groupId,
      actor,
      added: makes ? [...new Set([actor, ...added])] : added,
      removed: makes ? [] : removed,
      next: revision + 1,
    };
  }

  #user(index: number): UserId {
    return of(this.#accounts, index).userId;
  }

  async #seen({ groups, groupAvatars }: Stores): Promise<unknown> {
    const at = this.#now;
    const users = this.#accounts.map(({ userId }) => userId);
    const ofGroups = this.#groupIds.map(async (groupId) => {
      const invited = this.#tokens.map(async (token) => {
        const shown = await groups.invited(groupId, token, 0, page);
        return shown && [shown.box.revision, hex(shown.box.bytes), told(shown.page)];
      });
      const ofUsers = users.map(async (userId) => {
        const who = reader(userId, at);
        const checkpoint = await groups.checkpoint(groupId, who);
        const reads = await Promise.all(
          this.#places.map((location) => groupAvatars.mayRead({ groupId, location }, who)),
        );
        return [
          await groups.caller(groupId, who, this.#tokens[0]),
          await groups.mayRepair(groupId, who),
          told(await groups.records(groupId, who, 0, page)),
          told(await groups.records(groupId, who, 3, page)),
          checkpoint && [checkpoint.revision, hex(checkpoint.bytes)],
          reads,
        ];
      });
      const members = [...(await groups.members(groupId))].sort();
      return [members, await Promise.all(invited), await Promise.all(ofUsers)];
    });
    const lists = users.map(async (userId) =>
      (await groups.groupsOf(userId, undefined, 5)).map(({ groupId, revision }) => [hex(groupId), revision]),
    );
    const name = ({ groupId, location }: GroupAvatarPlace) => `${hex(groupId)} ${hex(location)}`;
    const due = (await groupAvatars.due(at)).map(name).sort();
    return { ofGroups: await Promise.all(ofGroups), lists: await Promise.all(lists), due };
  }
}

function of<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new Error(`the model has no entry ${index}`);
  return found;
}

describe('groups in Cassandra and in memory', () => {
  let keyspace: TestKeyspace;
  beforeAll(async () => {
    keyspace = await TestKeyspace.make();
  });
  afterAll(() => keyspace.drop());

  it('give the same in random histories, on two nodes in turn', async () => {
    const sequences = fc.array(command, { minLength: 20, maxLength: 60, size: 'max' });
    const runs = Number(process.env.SOTTO_GROUP_RUNS ?? 12);
    await fc.assert(
      fc.asyncProperty(sequences, async (sequence) => {
        const realm = someRealm();
        const nodes = [await openGroupNode(keyspace, realm), await openGroupNode(keyspace, realm)];
        try {
          const history = new History(nodes);
          await history.begin();
          for (const each of sequence) await history.run(each);
          await history.look();
        } finally {
          for (const { database } of nodes) await database.close();
        }
      }),
      { numRuns: runs },
    );
  }, 600_000);
});
