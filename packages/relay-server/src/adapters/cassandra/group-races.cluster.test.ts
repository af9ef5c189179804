import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { raceMembers } from '../../conformance/group-members-version.ts';
import { change, made, reader, seal, someGroup, told, wholeLog } from '../../conformance/group-samples.ts';
import { hex } from '../../conformance/harness.ts';
import { someAccount, someBytes, someEnding, someUser, start } from '../../conformance/samples.ts';
import type { GroupAppendStatus } from '../../ports/group-store.ts';
import type { GroupId, UserId } from '../../ports/ids.ts';
import { someRealm, TestKeyspace } from './cassandra-keyspace.ts';
import { type GroupNode, openGroupNode } from './group-harness.ts';
import { GroupRows } from './group-rows.ts';

describe('groups, on several nodes at once', () => {
  let keyspace: TestKeyspace;
  let one: GroupNode;
  let other: GroupNode;
  let slow: GroupNode;
  /** What happens elsewhere while the slow node has looked at accounts and not gone on yet. */
  let meanwhile: (() => Promise<unknown>)[] = [];
  const realm = someRealm();

  beforeAll(async () => {
    keyspace = await TestKeyspace.make();
    const afterLook = async () => {
      await meanwhile.shift()?.();
    };
    one = await openGroupNode(keyspace, realm);
    other = await openGroupNode(keyspace, realm);
    slow = await openGroupNode(keyspace, realm, { afterLook });
  });
  afterAll(async () => {
    for (const node of [one, other, slow]) await node.database.close();
    await keyspace.drop();
  });

  const count = (statuses: readonly unknown[], status: unknown) => statuses.filter((each) => each === status).length;

  /** That the numbers in the group are those of its rows, and each row is in the list of its user. */
  async function expectConsistent(groupId: GroupId): Promise<void> {
    const cql = 'SELECT member_count, standing_count, user_id, joined_at, left_at FROM user_group WHERE group_id = ?';
    const rows = await one.database.rows(cql, [groupId]);
    const standing = rows.filter(({ user_id }) => user_id !== null);
    const members = standing.filter(({ joined_at, left_at }) => joined_at !== null && left_at === null);
    expect([rows[0]?.standing_count, rows[0]?.member_count]).toEqual([standing.length, members.length]);
    for (const { user_id } of standing) {
      const index = 'SELECT group_id FROM groups_by_user WHERE user_id = ? AND group_id = ?';
      expect((await one.database.rows(index, [String(user_id), groupId])).length).toBe(1);
    }
  }

  async function logIdOf(groupId: GroupId): Promise<string> {
    const cql = 'SELECT DISTINCT log_id FROM user_group WHERE group_id = ?';
    return String((await one.database.row(cql, [groupId]))?.log_id);
  }

  it('of twenty appends at one revision one wins, and the log has no gap', async () => {
    const members = Array.from({ length: 20 }, someUser);
    const groupId = await made(one.groups, members);
    const log: (string | undefined)[] = [];
    for (let revision = 2; revision <= 6; revision++) {
      const appends = members.map((member) => change(groupId, revision, member, { added: [someUser()] }));
      const statuses = await Promise.all(
        appends.map((append, at) => (at % 2 === 0 ? one : other).groups.append(append)),
      );
      expect([count(statuses, 'appended'), count(statuses, 'conflict')]).toEqual([1, 19]);
      log.push(hex(appends[statuses.indexOf('appended')]?.record.bytes));
    }
    const page = await other.groups.records(groupId, reader(members[0] ?? someUser()), 1, wholeLog);
    expect(told(page)).toEqual([2, 6, ...log]);
    expect((await one.groups.members(groupId)).length).toBe(25);
    await expectConsistent(groupId);
  });

  it('who keeps members on one node is never behind a change that has ended on another', () =>
    raceMembers(expect, one.groups, [other.groups, slow.groups, other.groups], 40));

  it('one record that both append stands once', async () => {
    const alice = someUser();
    const groupId = await made(one.groups, [alice]);
    for (let revision = 2; revision <= 11; revision++) {
      const append = change(groupId, revision, alice);
      const statuses = await Promise.all([one, other, one].map(({ groups }) => groups.append(append)));
      expect([count(statuses, 'appended'), count(statuses, 'repeated')]).toEqual([1, 2]);
    }
    expect((await other.groups.records(groupId, reader(alice), 0, wholeLog))?.records.length).toBe(11);
  });

  it('of two that make the same group one does', async () => {
    for (let round = 0; round < 5; round++) {
      const [alice, bob, groupId] = [someUser(), someUser(), someGroup()];
      const statuses = await Promise.all([
        one.groups.append(change(groupId, 1, alice, { added: [alice] })),
        other.groups.append(change(groupId, 1, bob, { added: [bob] })),
      ]);
      expect([...statuses].sort()).toEqual(['appended', 'unknown']);
      expect(await one.groups.members(groupId)).toEqual([statuses[0] === 'appended' ? alice : bob]);
      await expectConsistent(groupId);
    }
  });

  it('all that changes a group at once is made, each one', async () => {
    const [alice, bob] = [someUser(), someUser()];
    const groupId = await made(one.groups, [alice, bob]);
    const places = Array.from({ length: 4 }, () => someBytes(32));
    const comers = Array.from({ length: 4 }, someUser);
    const tokenHash = someBytes(32);
    const append = change(groupId, 2, alice, { removed: [bob] });
    const statuses = await Promise.all([
      one.groups.append(append),
      ...comers.map((comer, at) =>
        (at % 2 === 0 ? one : other).groups.repair({
          groupId,
          actor: alice,
          added: [comer],
          removed: [],
          at: start,
          mostMembers: 9,
        }),
      ),
      ...places.map((location, at) =>
        (at % 2 === 0 ? other : one).groupAvatars.reserve({ groupId, location, actor: alice, at: start }),
      ),
      other.groups.putCheckpoint(groupId, alice, seal(1)),
      one.groups.putInvite(groupId, alice, { tokenHash, box: seal(1) }),
    ]);
    const many = <T>(status: T, times: number) => Array.from({ length: times }, () => status);
    expect(statuses).toEqual(['appended', ...many('repaired', 4), ...many('reserved', 4), 'kept', 'kept']);
    expect([...(await other.groups.members(groupId))].sort()).toEqual([alice, ...comers].sort());
    for (const location of places) {
      expect(await one.groupAvatars.mayRead({ groupId, location }, reader(alice))).toBe(true);
    }
    expect((await one.groups.checkpoint(groupId, reader(alice)))?.revision).toBe(1);
    expect((await other.groups.invited(groupId, tokenHash, 0, wholeLog))?.page.lastRevision).toBe(2);
    await expectConsistent(groupId);
  });

  for (const look of [0, 1]) {
    it(`an account that ends at look ${look + 1} of an append that adds it is not added`, async () => {
      const alice = someUser();
      const ofSlow = async (run: (userId: UserId) => Promise<unknown>): Promise<[UserId, unknown]> => {
        const account = someAccount();
        await one.accounts.register(account);
        meanwhile = [
          ...Array.from({ length: look }, () => async () => undefined),
          () => other.control.end(someEnding(account)),
        ];
        const status = await run(account.userId);
        expect(meanwhile).toEqual([]);
        return [account.userId, status];
      };
      const groupId = await made(one.groups, [alice]);
      const [added, inGroup] = await ofSlow((userId) =>
        slow.groups.append(change(groupId, 2, alice, { added: [userId] })),
      );
      const [repaired, inRepair] = await ofSlow((userId) =>
        slow.groups.repair({ groupId, actor: alice, added: [userId], removed: [], at: start, mostMembers: 9 }),
      );
      const alone = someGroup();
      const [maker, making] = await ofSlow((userId) =>
        slow.groups.append(change(alone, 1, userId, { added: [userId] })),
      );
      expect([inGroup, inRepair, making]).toEqual(['ended', 'repaired', 'ended']);
      expect([await one.groups.members(groupId), await one.groups.members(alone)]).toEqual([[alice], []]);
      for (const userId of [added, repaired, maker]) {
        expect(await one.database.rows('SELECT * FROM groups_by_user WHERE user_id = ?', [userId])).toEqual([]);
        const row = 'SELECT user_id FROM user_group WHERE group_id = ? AND user_id = ?';
        for (const id of [groupId, alone]) expect(await one.database.rows(row, [id, userId])).toEqual([]);
      }
      const dave = someUser();
      expect(await one.groups.append(change(alone, 1, dave, { added: [dave] }))).toBe('appended');
      await expectConsistent(groupId);
    });
  }

  it('an append to a group that ended, and began anew, does not reach the new one; what it copies is gone', async () => {
    const account = someAccount();
    await one.accounts.register(account);
    const { userId } = account;
    const [groupId, dave] = [await made(one.groups, [userId]), someUser()];
    const logId = await logIdOf(groupId);
    // Whoever gets a copy of the last record into the old log comes late.
    meanwhile = [
      async () => {
        await other.control.end(someEnding(account));
        await other.groups.append(change(groupId, 1, dave, { added: [dave, userId] }));
        expect(await other.groups.append(change(groupId, 1, dave, { added: [dave] }))).toBe('appended');
      },
    ];
    expect(await slow.groups.append(change(groupId, 2, userId))).toBe('unknown');
    expect(await one.groups.caller(groupId, reader(dave), undefined)).toEqual({ as: 'member', revision: 1 });
    expect(await logIdOf(groupId)).not.toBe(logId);
    expect(await one.database.rows('SELECT * FROM group_log WHERE log_id = ? AND bucket = 0', [logId])).toEqual([]);
  });

  it('the last account ends while it lets another one in: the log stays for that one, or goes', async () => {
    const outcomes: GroupAppendStatus[] = [];
    for (let round = 0; round < 12; round++) {
      const [account, bob] = [someAccount(), someUser()];
      await one.accounts.register(account);
      const { userId } = account;
      const groupId = await made(one.groups, [userId]);
      const logId = await logIdOf(groupId);
      const append = () => one.groups.append(change(groupId, 2, userId, { added: [bob] }));
      const end = () => other.control.end(someEnding(account));
      const [status] = await (round % 2 === 0 ? Promise.all([append(), end()]) : Promise.all([append(), end(), end()]));
      outcomes.push(status);
      const left = await one.groups.records(groupId, reader(bob), 0, wholeLog);
      if (status === 'appended') {
        expect([left?.records.length, await one.groups.members(groupId)]).toEqual([2, [bob]]);
        await expectConsistent(groupId);
      } else {
        expect([left, await one.groups.members(groupId)]).toEqual([undefined, []]);
        expect(await one.database.rows('SELECT * FROM group_log WHERE log_id = ? AND bucket = 0', [logId])).toEqual([]);
      }
    }
    expect(outcomes.every((status) => ['appended', 'unknown', 'ended'].includes(status))).toBe(true);
  });

  it('whatever happens at once, what was appended is the log, and who has ended is nowhere', async () => {
    for (let round = 0; round < 4; round++) {
      const accounts = Array.from({ length: 6 }, () => someAccount());
      for (const account of accounts) await one.accounts.register(account);
      const users = accounts.map(({ userId }) => userId);
      const [keeper = someUser(), ...others] = users;
      const groupId = await made(one.groups, users);
      const appended: { revision: number; bytes: string | undefined }[] = [];
      const places = Array.from({ length: 6 }, () => someBytes(32));
      const some = <T>(list: readonly T[]) => list[randomInt(list.length)] as T;
      const act = async ({ groups, groupAvatars }: GroupNode) => {
        for (let step = 0; step < 8; step++) {
          const { revision } = await groups.caller(groupId, reader(keeper), undefined);
          const added = randomInt(3) === 0 ? [some(others)] : [];
          const removed = randomInt(3) === 0 ? [some(others)].filter((user) => !added.includes(user)) : [];
          const location = some(places);
          const append = change(groupId, revision + 1, some(users), { added, removed }, { avatar: location });
          await groupAvatars.reserve({ groupId, location: some(places), actor: keeper, at: start + step });
          if ((await groups.append(append)) === 'appended') {
            appended.push({ revision: revision + 1, bytes: hex(append.record.bytes) });
          }
          await groups.repair({ groupId, actor: keeper, added, removed, at: start, mostMembers: 9 });
        }
      };
      const ended = others.slice(0, 3);
      const ends = ended.map((userId, at) => {
        const account = accounts.find((each) => each.userId === userId) ?? someAccount();
        return (at % 2 === 0 ? one : other).control.end(someEnding(account));
      });
      await Promise.all([act(one), act(other), act(one), act(other), ...ends]);
      const log = appended.sort((a, b) => a.revision - b.revision);
      expect(log.map(({ revision }) => revision)).toEqual(log.map((_, at) => at + 2));
      const page = await other.groups.records(groupId, reader(keeper), 1, wholeLog);
      expect(told(page)).toEqual([2, log.length + 1, ...log.map(({ bytes }) => bytes)]);
      const members = await one.groups.members(groupId);
      expect(members.filter((member) => ended.includes(member))).toEqual([]);
      for (const userId of ended) {
        expect(await other.groups.groupsOf(userId, undefined, 9)).toEqual([]);
        expect(await one.database.rows('SELECT * FROM groups_by_user WHERE user_id = ?', [userId])).toEqual([]);
      }
      await expectConsistent(groupId);
      const { avatars } = await new GroupRows(one.database).head(groupId);
      const due = await other.groupAvatars.due(start + 400 * 86_400_000);
      const mine = due.filter((place) => hex(place.groupId) === hex(groupId)).map(({ location }) => hex(location));
      const ending = avatars.filter(({ until }) => until !== undefined).map(({ location }) => hex(location));
      expect(mine.sort()).toEqual(ending.sort());
    }
  });

  it('an end that a group has not taken yet is not due; one that it has is', async () => {
    const [alice, groupId, location] = [someUser(), someGroup(), someBytes(32)];
    const place = { groupId, location };
    await one.groupAvatars.reserve({ ...place, actor: alice, at: start });
    await one.groupAvatars.reserve({ ...place, actor: alice, at: start + 60_000 });
    const dueAt = async (at: number) =>
      (await other.groupAvatars.due(at)).filter((due) => hex(due.location) === hex(location)).length;
    const end = start + 2 * 86_400_000 + 10 * 60_000;
    expect([await dueAt(end), await dueAt(end + 60_000 - 1), await dueAt(end + 60_000)]).toEqual([0, 0, 1]);
    await one.groups.append(change(groupId, 1, alice, { added: [alice] }, { avatar: location }));
    expect(await dueAt(end + 60_000)).toBe(0);
  });
});
