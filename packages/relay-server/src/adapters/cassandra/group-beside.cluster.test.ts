import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { change, made, reader, someGroup } from '../../conformance/group-samples.ts';
import { hex, refusalOf } from '../../conformance/harness.ts';
import { someBytes, someUser, start } from '../../conformance/samples.ts';
import type { GroupId, UserId } from '../../ports/ids.ts';
import { someRealm, TestKeyspace } from './cassandra-keyspace.ts';
import { GroupAvatarEnds } from './group-avatar-ends.ts';
import { type GroupNode, openGroupNode } from './group-harness.ts';
import { GroupLogRows } from './group-log-rows.ts';
import { GroupRows } from './group-rows.ts';
import { GroupsByUserRows } from './groups-by-user-rows.ts';

describe('what is kept of groups beside them', () => {
  let keyspace: TestKeyspace;
  let node: GroupNode;
  const realm = someRealm();
  beforeAll(async () => {
    keyspace = await TestKeyspace.make();
    node = await openGroupNode(keyspace, realm);
  });
  afterAll(async () => {
    await node.database.close();
    await keyspace.drop();
  });

  async function atOnce(count: number, work: (at: number) => Promise<unknown>): Promise<void> {
    for (let at = 0; at < count; at += 50) {
      await Promise.all(Array.from({ length: Math.min(50, count - at) }, (_, each) => work(at + each)));
    }
  }

  it('a long log is read over all its partitions, a gap is seen, and when it was deleted nothing comes back', async () => {
    const log = new GroupLogRows(node.database);
    const logId = randomUUID();
    const head = { logId, revision: 700, keyEpoch: 1, keyCommitment: someBytes(32) };
    const records = Array.from({ length: 701 }, () => someBytes(20));
    const at = (revision: number) => records[revision] ?? someBytes(1);
    await atOnce(699, (index) => log.put(logId, index + 1, at(index + 1)));
    const read = async (after: number, last: number) => {
      const found: (string | undefined)[] = [];
      const all = { ...head, memberCount: 1, standingCount: 1, checkpointRevision: 0, inviteHash: undefined };
      for await (const record of log.between(all, at(700), after, last)) found.push(hex(record));
      return found;
    };
    const expected = (after: number, last: number) => records.slice(after + 1, last + 1).map(hex);
    for (const [after, last] of [
      [0, 700],
      [254, 258],
      [510, 513],
      [255, 255],
      [698, 700],
      [699, 700],
      [700, 700],
      [0, 699],
    ] as const) {
      expect(await read(after, last)).toEqual(expected(after, last));
    }
    expect(hex(await log.get(logId, 512))).toBe(hex(at(512)));
    await node.database.write(
      'DELETE FROM group_log USING TIMESTAMP 2 WHERE log_id = ? AND bucket = ? AND revision = ?',
      [logId, 1, 300],
    );
    expect(await refusalOf(read(0, 700))).toBe('store-corrupt');
    expect(await read(300, 700)).toEqual(expected(300, 700));
    await log.remove(logId, 700);
    await atOnce(3, (index) => log.put(logId, 256 * index + 1, at(256 * index + 1)));
    for (const revision of [1, 257, 513, 699]) expect(await log.get(logId, revision)).toBe(undefined);
  });

  it('what is no user id is refused as such', async () => {
    const [alice, nobody] = [someUser(), 'nobody' as UserId];
    const groupId = await made(node.groups, [alice]);
    const all = [
      () => node.groups.append(change(groupId, 2, alice, { added: [nobody] })),
      () => node.groups.append(change(someGroup(), 1, nobody, { added: [nobody] })),
      () => node.groups.caller(groupId, reader(nobody), undefined),
    ];
    for (const act of all) expect(await refusalOf(act())).toBe('request-malformed');
  });

  it('the list of a user goes on behind notes that are for nothing', async () => {
    const alice = someUser();
    const ids: GroupId[] = [];
    for (let group = 0; group < 4; group++) ids.push(await made(node.groups, [alice, someUser()]));
    ids.sort(Buffer.compare);
    const index = new GroupsByUserRows(node.database);
    await atOnce(120, () => index.note([alice], someGroup()));
    const of = async (after: GroupId | undefined, limit: number) =>
      (await node.groups.groupsOf(alice, after, limit)).map(({ groupId }) => hex(groupId));
    expect(await of(undefined, 10)).toEqual(ids.map(hex));
    expect(await of(undefined, 3)).toEqual(ids.slice(0, 3).map(hex));
    expect(await of(ids[1], 10)).toEqual(ids.slice(2).map(hex));
  });

  it('what is due is found behind ends that no group knows, and these are struck off', async () => {
    const [alice, groupId, location] = [someUser(), someGroup(), someBytes(32)];
    await node.groupAvatars.reserve({ groupId, location, actor: alice, at: start });
    const ends = new GroupAvatarEnds(node.database, new GroupRows(node.database), realm);
    const until = start + 86_400_000;
    await atOnce(300, async () => {
      await ends.expect(someGroup(), [{ location: someBytes(32), addedAt: start, until }]);
    });
    const now = start + 3 * 86_400_000;
    expect(await node.groupAvatars.due(now)).toEqual([{ groupId, location }]);
    const left = 'SELECT item FROM due WHERE list = ? AND slot = ? AND shard = ?';
    for (const shard of [0, 1, 2, 3]) {
      const slot = Math.floor(until / 3_600_000);
      expect(await node.database.rows(left, [`${realm}/group-avatar`, slot, shard])).toEqual([]);
    }
    await node.groups.append(change(groupId, 1, alice, { added: [alice] }, { avatar: location }));
    expect(await node.groupAvatars.due(now)).toEqual([]);
  });
});
