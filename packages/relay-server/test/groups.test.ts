import { randomBytes } from 'node:crypto';
import { type GroupInvitationAnswer, type GroupLogAnswer, GroupRecord, toBase64Url } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import type { UserId } from '../src/ports/ids.ts';
import { call, type RawAccount, refusal, register } from './raw-client.ts';
import { append, groupRecord, hashOf, makeGroup, repair } from './raw-group.ts';
import { listHashOf } from './raw-proofs.ts';
import { startRelay, storeKinds, type TestRelay } from './test-relay.ts';

const day = 86_400_000;

async function people(relay: TestRelay): Promise<[RawAccount, RawAccount, RawAccount]> {
  return [
    await register(relay, '+14155550101'),
    await register(relay, '+14155550102'),
    await register(relay, '+14155550103'),
  ];
}

function get<Body>(relay: TestRelay, as: RawAccount, groupId: Uint8Array, rest: string) {
  return call<Body>(relay, 'GET', `/v1/groups/${toBase64Url(groupId)}/${rest}`, { token: as.token });
}

function put(relay: TestRelay, as: RawAccount, groupId: Uint8Array, rest: string, body: unknown) {
  return call(relay, 'PUT', `/v1/groups/${toBase64Url(groupId)}/${rest}`, { token: as.token, body });
}

describe.each(storeKinds)('groups on %s stores', (stores) => {
  it('keep an ordered log, and answer for one revision once', async () => {
    await using relay = await startRelay({ stores });
    const [alice, bob] = await people(relay);
    const groupId = await makeGroup(relay, [alice, bob]);
    const second = groupRecord(groupId, 2);
    expect(await append(relay, bob, groupId, second)).toMatchObject({ status: 200, body: { revision: 2 } });
    expect(await append(relay, bob, groupId, second)).toMatchObject({ status: 200, body: { revision: 2 } });
    for (const revision of [2, 4]) {
      const late = append(relay, alice, groupId, groupRecord(groupId, revision));
      expect(await refusal(late)).toMatchObject({ status: 409, code: 'group-changed', retryable: false });
    }
    const log = await get<GroupLogAnswer>(relay, alice, groupId, 'records?after=1');
    expect(log.body).toEqual({ records: [toBase64Url(second)], firstRevision: 2, lastRevision: 2 });
    const mine = await call(relay, 'GET', '/v1/groups', { token: alice.token });
    expect(mine.body).toEqual({ groups: [{ groupId: toBase64Url(groupId), revision: 2 }] });
    expect((await call(relay, 'GET', `/v1/groups?after=${toBase64Url(groupId)}`, { token: alice.token })).body).toEqual(
      { groups: [] },
    );
  });

  it('are not there for those who are no members  [security: group-membership]', async () => {
    await using relay = await startRelay({ stores });
    const [alice, bob, mallory] = await people(relay);
    const groupId = await makeGroup(relay, [alice, bob]);
    const unknown = { status: 404, code: 'group-unknown' };
    for (const [of, id] of [
      [mallory, groupId],
      [alice, randomBytes(32)],
    ] as const) {
      for (const rest of ['records', 'members', 'checkpoint']) {
        expect(await refusal(get(relay, of, id, rest))).toMatchObject(unknown);
      }
      const body = { revision: 1, checkpoint: 'AAAA' };
      expect(await refusal(put(relay, of, id, 'checkpoint', body))).toMatchObject(unknown);
      const invite = { tokenHash: hashOf(randomBytes(32)), revision: 1, box: 'AAAA' };
      expect(await refusal(put(relay, of, id, 'invite', invite))).toMatchObject(unknown);
    }
    for (const revision of [1, 2]) {
      const intrusion = append(relay, mallory, groupId, groupRecord(groupId, revision), { added: [mallory] });
      expect(await refusal(intrusion)).toMatchObject(unknown);
    }
    expect(await refusal(repair(relay, mallory, groupId, { added: [mallory] }))).toMatchObject(unknown);
    const { body } = await get<{ members: string[] }>(relay, bob, groupId, 'members');
    expect(body.members).toEqual([alice.keys.userId, bob.keys.userId].sort());
    expect(await refusal(call(relay, 'GET', '/v1/groups'))).toMatchObject({ code: 'token-missing' });
  });

  it('show the removed nothing that came afterwards, seven days later; they never append  [security: removed-member]', async () => {
    await using relay = await startRelay({ stores, config: { tokens: { accessTtlMs: 30 * day } } });
    const [alice, bob] = await people(relay);
    const groupId = await makeGroup(relay, [alice, bob]);
    await append(relay, alice, groupId, groupRecord(groupId, 2), { removed: [bob] });
    await append(relay, alice, groupId, groupRecord(groupId, 3));
    await put(relay, alice, groupId, 'checkpoint', { revision: 3, checkpoint: toBase64Url(randomBytes(64)) });
    const late = () => refusal(append(relay, bob, groupId, groupRecord(groupId, 4), { added: [bob] }));
    expect(await late()).toMatchObject({ code: 'group-unknown' });
    const log = async () => {
      const { body } = await get<GroupLogAnswer>(relay, bob, groupId, 'records');
      return [body.records.length, body.lastRevision];
    };
    // What it can not open tells it that it was rightly removed, or who was.
    expect(await log()).toEqual([3, 3]);
    expect((await get(relay, bob, groupId, 'members')).body).toEqual({ members: [alice.keys.userId] });
    relay.time.jump(7 * day);
    expect(await log()).toEqual([2, 2]);
    expect(await late()).toMatchObject({ code: 'group-unknown' });
    for (const rest of ['checkpoint', 'members']) {
      expect(await refusal(get(relay, bob, groupId, rest))).toMatchObject({ code: 'group-unknown' });
    }
    expect(await refusal(repair(relay, bob, groupId, { added: [bob] }))).toMatchObject({ code: 'group-unknown' });
  });

  it('are repaired by those whom a member has put out of the table  [security: group-membership]', async () => {
    const config = { limits: { groupRepairsPerMember: { burst: 1, refillMs: 300_000 } } };
    await using relay = await startRelay({ stores, config });
    const [alice, bob, mallory] = await people(relay);
    const groupId = await makeGroup(relay, [alice, bob, mallory]);
    await append(relay, mallory, groupId, groupRecord(groupId, 2), { removed: [alice, bob] });
    expect(await refusal(append(relay, alice, groupId, groupRecord(groupId, 3)))).toMatchObject({ status: 404 });
    expect((await get(relay, mallory, groupId, 'members')).body).toEqual({ members: [mallory.keys.userId] });
    const nobody = { ...bob, keys: { ...bob.keys, userId: '11111111-1111-4111-8111-111111111111' } };
    const all = [alice, bob, mallory].map(({ keys }) => keys.userId).sort();
    const repaired = await repair(relay, alice, groupId, { added: [alice, bob, nobody] });
    expect([repaired.status, repaired.body]).toEqual([200, { members: all }]);
    expect((await append(relay, alice, groupId, groupRecord(groupId, 3))).status).toBe(200);
    // Nobody puts others out more often than they come back; each has its own share, and in each group.
    const limited = { status: 429, code: 'rate-limited', retryable: true, retryAfterMs: 300_000 };
    const again = append(relay, mallory, groupId, groupRecord(groupId, 4), { removed: [alice] });
    expect(await refusal(again)).toMatchObject(limited);
    expect(await refusal(repair(relay, alice, groupId, { removed: [mallory] }))).toMatchObject(limited);
    // What is so already costs nothing.
    expect((await repair(relay, alice, groupId, { added: [bob, nobody] })).body).toEqual({ members: all });
    const leaving = append(relay, mallory, groupId, groupRecord(groupId, 4), { removed: [mallory] });
    expect((await leaving).status).toBe(200);
    expect((await repair(relay, bob, groupId, { added: [mallory] })).body).toEqual({ members: all });
    const other = await makeGroup(relay, [alice, bob]);
    expect((await repair(relay, alice, other, { removed: [bob] })).status).toBe(200);
    const twice = refusal(repair(relay, bob, other, { added: [alice, alice] }));
    expect(await twice).toMatchObject({ status: 400, code: 'request-malformed' });
  });

  it('let in by a link, once', async () => {
    await using relay = await startRelay({ stores });
    const [alice, bob, carol] = await people(relay);
    const groupId = await makeGroup(relay, [alice, bob]);
    const [inviteToken, box] = [randomBytes(32), randomBytes(300)];
    const invite = { tokenHash: hashOf(inviteToken), revision: 1, box: toBase64Url(box) };
    expect((await put(relay, bob, groupId, 'invite', invite)).status).toBe(204);
    await append(relay, alice, groupId, groupRecord(groupId, 2));
    const show = (token: Uint8Array) =>
      call<GroupInvitationAnswer>(relay, 'POST', `/v1/groups/${toBase64Url(groupId)}/invitation`, {
        token: carol.token,
        body: { inviteToken: toBase64Url(token) },
      });
    expect((await show(inviteToken)).body).toMatchObject({ box: invite.box, boxRevision: 1, firstRevision: 2 });
    expect(await refusal(show(randomBytes(32)))).toMatchObject({ status: 404, code: 'group-unknown' });
    const foreign = groupRecord(groupId, 3, { keyCommitment: randomBytes(32) });
    const under = append(relay, carol, groupId, foreign, { added: [carol] }, inviteToken);
    expect(await refusal(under)).toMatchObject({ status: 409, code: 'group-changed' });
    const others = append(relay, carol, groupId, groupRecord(groupId, 3), { added: [carol, bob] }, inviteToken);
    expect(await refusal(others)).toMatchObject({ status: 404, code: 'group-unknown' });
    const request = groupRecord(groupId, 3);
    expect((await append(relay, carol, groupId, request, {}, inviteToken)).status).toBe(200);
    const again = append(relay, carol, groupId, groupRecord(groupId, 4), { added: [carol] }, inviteToken);
    expect(await refusal(again)).toMatchObject({ status: 409, code: 'group-invite-used' });
    const path = `/v1/groups/${toBase64Url(groupId)}/invite`;
    expect((await call(relay, 'DELETE', path, { token: alice.token })).status).toBe(204);
    expect(await refusal(show(inviteToken))).toMatchObject({ code: 'group-unknown' });
  });

  it('keep who comes by a link from holding members off  [security: group-membership]', async () => {
    const config = {
      limits: {
        groupRecordsPerGuest: { burst: 3, refillMs: 60_000 },
        groupGuestsPerGroup: { burst: 4, refillMs: 60_000 },
      },
    };
    await using relay = await startRelay({ stores, config });
    const [alice, bob, mallory] = await people(relay);
    const groupId = await makeGroup(relay, [alice, bob]);
    const inviteToken = randomBytes(32);
    const invite = { tokenHash: hashOf(inviteToken), revision: 1, box: 'AAAA' };
    expect((await put(relay, alice, groupId, 'invite', invite)).status).toBe(204);
    const by = (as: RawAccount, revision: number, members = {}) =>
      append(relay, as, groupId, groupRecord(groupId, revision), members, inviteToken);
    // In by the link, and whatever stands in the record; it is a member for the relay from then on.
    expect((await by(mallory, 2, { added: [mallory] })).status).toBe(200);
    expect(await refusal(by(alice, 2))).toMatchObject({ code: 'group-changed' });
    // Alice was overtaken: she goes first now.
    const waits = await refusal(by(mallory, 3));
    expect(waits).toMatchObject({ status: 429, code: 'rate-limited', retryable: true });
    expect((await by(alice, 3)).status).toBe(200);
    expect((await by(mallory, 4)).status).toBe(200);
    expect((await by(mallory, 5, { removed: [mallory] })).status).toBe(200);
    // Going and coming again gives no new share, and what is too late costs none.
    expect(await refusal(by(mallory, 5, { added: [mallory] }))).toMatchObject({ code: 'group-changed' });
    expect(await refusal(by(mallory, 6, { added: [mallory] }))).toMatchObject({ code: 'rate-limited' });
    expect((await by(bob, 6)).status).toBe(200);
    // Of all who come by the link together, whoever they are; who shows none takes nothing of that.
    const others: RawAccount[] = [];
    for (const number of [4, 5, 6, 7]) others.push(await register(relay, `+1415555010${number}`));
    const [one, two, three, late] = others as [RawAccount, RawAccount, RawAccount, RawAccount];
    for (let times = 0; times < 5; times++) {
      const wrong = append(relay, late, groupId, groupRecord(groupId, 7), { added: [late] }, randomBytes(32));
      expect(await refusal(wrong)).toMatchObject({ code: 'group-unknown' });
    }
    for (const [at, guest] of [one, two, three].entries()) {
      expect((await by(guest, 7 + at, { added: [guest] })).status).toBe(200);
    }
    expect(await refusal(by(late, 10, { added: [late] }))).toMatchObject({ code: 'rate-limited' });
    for (let revision = 10; revision <= 16; revision++) expect((await by(alice, revision)).status).toBe(200);
  });

  it('take in accounts that are there, and end with theirs', async () => {
    await using relay = await startRelay({ stores });
    const [alice, bob] = await people(relay);
    const groupId = await makeGroup(relay, [alice, bob]);
    const nobody = { ...bob, keys: { ...bob.keys, userId: '11111111-1111-4111-8111-111111111111' } };
    const adding = append(relay, alice, groupId, groupRecord(groupId, 2), { added: [nobody] });
    expect(await refusal(adding)).toMatchObject({ status: 404, code: 'user-unknown' });
    await relay.stores.control.end({
      userId: bob.keys.userId as UserId,
      listHash: listHashOf(bob),
      receipt: randomBytes(32),
      now: relay.time.now(),
    });
    expect(await relay.stores.groups.members(groupId as Parameters<typeof relay.stores.groups.members>[0])).toEqual([
      alice.keys.userId,
    ]);
  });

  it('grow no faster than an account may write for good', async () => {
    const config = { limits: { groupKibPerAccount: { burst: 260, refillMs: 1_000 } } };
    await using relay = await startRelay({ stores, config });
    const [alice, bob, carol] = await people(relay);
    const groupId = await makeGroup(relay, [alice, bob]);
    const large = (revision: number) => groupRecord(groupId, revision, { ciphertext: randomBytes(255 * 1024) });
    expect((await append(relay, alice, groupId, large(2))).status).toBe(200);
    const refused = await refusal(append(relay, alice, groupId, large(3)));
    expect(refused).toMatchObject({ status: 429, code: 'rate-limited', retryable: true });
    expect(refused.retryAfterMs).toBeGreaterThan(200_000);
    expect((await append(relay, alice, groupId, groupRecord(groupId, 3))).status).toBe(200);
    expect((await append(relay, bob, groupId, large(4))).status).toBe(200);
    // What stands beside the log of a group is kept as long as it.
    const own = await makeGroup(relay, [carol]);
    const sealed = toBase64Url(randomBytes(128 * 1024));
    expect((await put(relay, carol, own, 'checkpoint', { revision: 1, checkpoint: sealed })).status).toBe(204);
    const box = { tokenHash: hashOf(randomBytes(32)), revision: 1, box: sealed };
    expect((await put(relay, carol, own, 'invite', box)).status).toBe(204);
    for (const [rest, body] of [
      ['checkpoint', { revision: 1, checkpoint: sealed }],
      ['invite', box],
    ] as const) {
      expect(await refusal(put(relay, carol, own, rest, body))).toMatchObject({ code: 'rate-limited' });
    }
  });

  it('refuse what is malformed, too large or too often', async () => {
    await using relay = await startRelay({
      stores,
      config: { limits: { writesPerAccount: { burst: 13, refillMs: 60_000 } } },
    });
    const [alice, bob] = await people(relay);
    const groupId = await makeGroup(relay, [alice, bob]);
    const good = { groupId, revision: 2, keyEpoch: 1, keyCommitment: randomBytes(32), ciphertext: randomBytes(40) };
    const flawed = [
      { groupId: randomBytes(32) },
      { revision: 0 },
      { keyEpoch: 0 },
      { keyCommitment: randomBytes(31) },
      { ciphertext: randomBytes(27) },
      { ciphertext: randomBytes(256 * 1024) },
    ];
    for (const flaw of flawed) {
      const bytes = GroupRecord.encode({ ...good, ...flaw });
      const { status, code } = await refusal(append(relay, alice, groupId, bytes));
      expect([flaw, status, code]).toEqual([flaw, 400, 'request-malformed']);
    }
    for (const members of [{ added: [bob, bob] }, { added: [bob], removed: [bob] }]) {
      const twice = refusal(append(relay, alice, groupId, groupRecord(groupId, 2), members));
      expect(await twice).toMatchObject({ status: 400, code: 'request-malformed' });
    }
    const huge = randomBytes(400 * 1024);
    expect(await refusal(append(relay, alice, groupId, huge))).toMatchObject({ code: 'request-too-large' });
    const path = `/v1/groups/${toBase64Url(groupId)}x/records`;
    expect(await refusal(call(relay, 'GET', path, { token: alice.token }))).toMatchObject({
      code: 'request-malformed',
    });
    for (let revision = 2; revision <= 4; revision++) {
      expect((await append(relay, alice, groupId, groupRecord(groupId, revision))).status).toBe(200);
    }
    const tooOften = await refusal(append(relay, alice, groupId, groupRecord(groupId, 5)));
    expect(tooOften).toMatchObject({ status: 429, code: 'rate-limited', retryable: true });
    expect(tooOften.retryAfterMs).toBeGreaterThan(0);
  });
});
