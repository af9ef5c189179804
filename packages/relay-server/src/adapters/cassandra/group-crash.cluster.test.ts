import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { change, made, reader, seal, someGroup, told, wholeLog } from '../../conformance/group-samples.ts';
import { hex, refusalOf } from '../../conformance/harness.ts';
import { someAccount, someBytes, someEnding, someUser, start } from '../../conformance/samples.ts';
import type { GroupId, UserId } from '../../ports/ids.ts';
import { someRealm, TestKeyspace } from './cassandra-keyspace.ts';
import { type GroupNode, openGroupNode } from './group-harness.ts';

const day = 86_400_000;
/** `unsent`: the node dies before it sends the statement. `unheard`: it dies before it hears the answer. `lost`: that answer is lost, and the node goes on. */
const manners = ['unsent', 'unheard', 'lost'] as const;
type Manner = (typeof manners)[number];

/** A statement at which something happens to a node. */
class Mishap {
  #manner: Manner = 'lost';
  #left = Number.POSITIVE_INFINITY;
  happened = false;
  /** Whether it was a change of a group. */
  wasChange = false;

  readonly traceStatement = (phase: 'before' | 'after', cql: string): void => {
    if (phase === (this.#manner === 'unsent' ? 'before' : 'after')) this.#left--;
    if (this.#left > 0 || (this.happened && this.#manner === 'lost')) return;
    if (!this.happened) this.wasChange = cql.startsWith('UPDATE user_group');
    this.happened = true;
    throw new Error('the node or its connection has died');
  };

  at(statement: number, manner: Manner): void {
    this.#left = statement;
    this.#manner = manner;
    this.happened = false;
  }

  over(): void {
    this.#left = Number.POSITIVE_INFINITY;
  }
}

interface Story {
  readonly groupId: GroupId;
  /** What is to be done, by whichever node. */
  readonly act: (node: GroupNode) => Promise<unknown>;
  /** What it says when it is done for the first time, and once more. */
  readonly says: readonly [unknown, unknown];
  readonly users: readonly UserId[];
}

describe('a node that dies at any statement leaves the old group or the new one, and whoever tries again is told', () => {
  let keyspace: TestKeyspace;
  let other: GroupNode;
  let dying: GroupNode;
  /** On which accounts end, and stay in their groups. */
  let ending: GroupNode;
  const mishap = new Mishap();
  const realm = someRealm();

  beforeAll(async () => {
    keyspace = await TestKeyspace.make();
    other = await openGroupNode(keyspace, realm);
    ending = await openGroupNode(keyspace, realm, { userGone: async () => undefined });
    dying = await openGroupNode(keyspace, realm, { traceStatement: mishap.traceStatement });
  });
  afterAll(async () => {
    mishap.over();
    for (const node of [other, ending, dying]) await node.database.close();
    await keyspace.drop();
  });

  /** All that anybody could see of a group. */
  async function seen({ groups, groupAvatars }: GroupNode, { groupId, users }: Story, places: readonly Uint8Array[]) {
    const each = users.map(async (user) => [
      told(await groups.records(groupId, reader(user), 0, wholeLog)),
      await groups.caller(groupId, reader(user), undefined),
      (await groups.groupsOf(user, undefined, 10)).map(({ groupId: id, revision }) => [hex(id), revision]),
    ]);
    const [first = someUser()] = users;
    const avatars = places.flatMap((location) =>
      [start, start + 400 * day].map((at) => groupAvatars.mayRead({ groupId, location }, reader(first, at))),
    );
    return {
      members: [...(await groups.members(groupId))].sort(),
      checkpoint: (await groups.checkpoint(groupId, reader(first)))?.revision,
      avatars: await Promise.all(avatars),
      each: await Promise.all(each),
    };
  }

  async function dueOf({ groupAvatars }: GroupNode, groupId: GroupId, at: number): Promise<(string | undefined)[]> {
    const due = await groupAvatars.due(at);
    return due.filter((place) => hex(place.groupId) === hex(groupId)).map(({ location }) => hex(location));
  }

  function check(title: string, tell: (places: Uint8Array[]) => Promise<Story>): void {
    it(title, async () => {
      for (const manner of manners) {
        for (let statement = 1; ; statement++) {
          const places = [someBytes(32), someBytes(32)];
          const story = await tell(places);
          const before = await seen(other, story, places);
          mishap.at(statement, manner);
          const outcome = await story.act(dying).catch((error: unknown) => error);
          const { happened } = mishap;
          mishap.over();
          if (!happened) {
            expect(outcome).toEqual(story.says[0]);
            expect(statement).toBeGreaterThan(3);
            break;
          }
          const left = await seen(other, story, places);
          const isOld = JSON.stringify(left) === JSON.stringify(before);
          // Whether a change was made is found out; of all else the node knows that it failed.
          if (mishap.wasChange && manner === 'lost') expect([outcome, isOld]).toEqual([story.says[0], false]);
          else expect([manner, statement, outcome instanceof Error]).toEqual([manner, statement, true]);
          const again = await story.act(other);
          const after = await seen(other, story, places);
          if (!isOld) expect(left).toEqual(after);
          expect([manner, statement, again]).toEqual([manner, statement, story.says[isOld ? 0 : 1]]);
          expect(await story.act(other)).toEqual(story.says[1]);
          expect(await seen(other, story, places)).toEqual(after);
        }
      }
    }, 600_000);
  }

  check('append that makes a group', async ([place = someBytes(32)]) => {
    const [alice, bob, groupId] = [someUser(), someUser(), someGroup()];
    await other.groupAvatars.reserve({ groupId, location: place, actor: alice, at: start });
    const append = change(groupId, 1, alice, { added: [alice, bob] }, { avatar: place });
    const users = [alice, bob, someUser()];
    return { groupId, users, says: ['appended', 'repeated'], act: ({ groups }) => groups.append(append) };
  });

  check('append that changes members and avatar', async ([one = someBytes(32), two = someBytes(32)]) => {
    const [alice, bob, carol] = [someUser(), someUser(), someUser()];
    const groupId = await made(other.groups, [alice, bob]);
    for (const location of [one, two]) {
      await other.groupAvatars.reserve({ groupId, location, actor: alice, at: start });
    }
    await other.groups.append(change(groupId, 2, alice, {}, { avatar: one }));
    const append = change(groupId, 3, alice, { added: [carol], removed: [bob] }, { avatar: two });
    return {
      groupId,
      users: [alice, bob, carol],
      says: ['appended', 'repeated'],
      act: ({ groups }) => groups.append(append),
    };
  });

  check('repair', async () => {
    const [alice, bob, carol] = [someUser(), someUser(), someUser()];
    const groupId = await made(other.groups, [alice, bob]);
    const repair = { groupId, actor: alice, added: [carol], removed: [bob], at: start, mostMembers: 9 };
    return {
      groupId,
      users: [alice, bob, carol],
      says: ['repaired', 'repaired'],
      act: ({ groups }) => groups.repair(repair),
    };
  });

  check('putCheckpoint, then putInvite', async () => {
    const alice = someUser();
    const groupId = await made(other.groups, [alice]);
    const [checkpoint, invite] = [seal(1), { tokenHash: someBytes(32), box: seal(1) }];
    return {
      groupId,
      users: [alice],
      says: ['kept', 'kept'],
      act: async ({ groups }) => {
        await groups.putCheckpoint(groupId, alice, checkpoint);
        const status = await groups.putInvite(groupId, alice, invite);
        const shown = await other.groups.invited(groupId, invite.tokenHash, 0, wholeLog);
        expect(hex(shown?.box.bytes)).toBe(hex(invite.box.bytes));
        return status;
      },
    };
  });

  check('reserve', async ([place = someBytes(32)]) => {
    const alice = someUser();
    const groupId = await made(other.groups, [alice]);
    return {
      groupId,
      users: [alice],
      says: ['reserved', 'repeated'],
      act: async ({ groupAvatars }) => {
        const status = await groupAvatars.reserve({ groupId, location: place, actor: alice, at: start });
        // What was let in is found when it has ended.
        expect(await dueOf(other, groupId, start + 3 * day)).toEqual([hex(place)]);
        return status;
      },
    };
  });

  check('the end of an account, of two members', async ([place = someBytes(32)]) => {
    const [account, bob] = [someAccount(), someUser()];
    await other.accounts.register(account);
    const groupId = await made(other.groups, [account.userId, bob]);
    await other.groupAvatars.reserve({ groupId, location: place, actor: bob, at: start });
    expect(await ending.control.end(someEnding(account))).toBe('ended');
    return {
      groupId,
      users: [bob, account.userId],
      says: [undefined, undefined],
      act: ({ memberships }) => memberships.forgetUser(account.userId, start),
    };
  });

  check('the end of the last account, with whom the group goes', async ([place = someBytes(32)]) => {
    const [account, dave] = [someAccount(), someUser()];
    await other.accounts.register(account);
    const { userId } = account;
    const groupId = await made(other.groups, [userId]);
    await other.groupAvatars.reserve({ groupId, location: place, actor: userId, at: start });
    for (let revision = 2; revision <= 4; revision++) {
      await other.groups.append(change(groupId, revision, userId, {}, { avatar: place }));
    }
    const cql = 'SELECT DISTINCT log_id FROM user_group WHERE group_id = ?';
    const logId = String((await other.database.row(cql, [groupId]))?.log_id);
    expect(await ending.control.end(someEnding(account, start + 1))).toBe('ended');
    return {
      groupId,
      users: [userId, dave],
      says: [undefined, undefined],
      act: async ({ memberships }) => {
        await memberships.forgetUser(userId, start + 1);
        // Nothing is left but its avatar, until that was swept.
        const left = 'SELECT revision FROM group_log WHERE log_id = ? AND bucket = 0';
        expect(await other.database.rows(left, [logId])).toEqual([]);
        expect(await dueOf(other, groupId, start + 1 + 10 * 60_000)).toEqual([hex(place)]);
        const index = 'SELECT group_id FROM groups_by_user WHERE user_id = ?';
        expect(await other.database.rows(index, [userId])).toEqual([]);
      },
    };
  });

  it('a change of which nobody knows, and that was not made, is said to have failed; an append looks what is there', async () => {
    const [alice, bob] = [someUser(), someUser()];
    const groupId = await made(other.groups, [alice]);
    let meanwhile = async (): Promise<unknown> => undefined;
    const deaf = await openGroupNode(keyspace, realm, {
      wrap: (database) =>
        ({
          rows: database.rows.bind(database),
          row: database.row.bind(database),
          write: database.write.bind(database),
          conditionalTogether: async () => {
            await meanwhile();
            return { status: 'unknown', cause: new Error('timed out') };
          },
        }) as unknown as typeof database,
    });
    const append = change(groupId, 2, alice, { added: [bob] });
    const repair = { groupId, actor: alice, added: [bob], removed: [], at: start, mostMembers: 9 };
    const invite = { tokenHash: someBytes(32), box: seal(1) };
    const all = [
      () => deaf.groups.append(append),
      () => deaf.groups.repair(repair),
      () => deaf.groups.putInvite(groupId, alice, invite),
      () => deaf.groupAvatars.reserve({ groupId, location: someBytes(32), actor: alice, at: start }),
    ];
    for (const act of all) expect(await refusalOf(act())).toBe('store-unavailable');
    let revision = 1;
    meanwhile = () => other.groups.append(change(groupId, ++revision, alice));
    expect(await deaf.groups.append(append)).toBe('conflict');
    expect(revision).toBe(2);
    expect(await refusalOf(deaf.groups.repair(repair))).toBe('store-unavailable');
    expect(await refusalOf(deaf.groups.putInvite(groupId, alice, invite))).toBe('store-unavailable');
    expect(await other.groups.members(groupId)).toEqual([alice]);
    await deaf.database.close();
  });

  it('an account whose node dies as it ends does nothing more, and is a member until another node has swept', async () => {
    const userGone = () => Promise.reject(new Error('the node has died'));
    const failing = await openGroupNode(keyspace, realm, { userGone });
    const [account, alice] = [someAccount(), someUser()];
    const { userId } = account;
    await failing.accounts.register(account);
    const groupId = await made(other.groups, [alice, userId]);
    expect(await failing.control.end(someEnding(account))).toBe('ended');
    expect([...(await other.groups.members(groupId))].sort()).toEqual([alice, userId].sort());
    expect(await other.groups.append(change(groupId, 2, userId))).toBe('ended');
    expect(await other.groups.append(change(someGroup(), 1, alice, { added: [alice, userId] }))).toBe('ended');
    await other.cleaner.sweep(start + day);
    expect(await other.groups.members(groupId)).toEqual([alice]);
    expect(await other.groups.append(change(groupId, 2, userId))).toBe('unknown');
    await failing.database.close();
  });

  it('sweeping avatars', async () => {
    for (const manner of manners) {
      for (let statement = 1; ; statement++) {
        const [groupId, location] = [someGroup(), someBytes(32)];
        await other.groupAvatars.reserve({ groupId, location, actor: someUser(), at: start });
        mishap.at(statement, manner);
        await dying.groupAvatars.swept([{ groupId, location }]).catch(() => undefined);
        const { happened } = mishap;
        mishap.over();
        if (happened) await other.groupAvatars.swept([{ groupId, location }]);
        expect(await dueOf(other, groupId, start + 3 * day)).toEqual([]);
        expect(await other.database.rows('SELECT * FROM user_group WHERE group_id = ?', [groupId])).toEqual([]);
        if (!happened) break;
      }
    }
  });
});
