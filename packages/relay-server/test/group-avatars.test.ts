import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toBase64Url } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import type { BlobStore } from '../src/ports/blob-store.ts';
import { RelayError } from '../src/relay-error.ts';
import { call, type RawAccount, refusal, register } from './raw-client.ts';
import { append, groupRecord, hashOf, makeGroup } from './raw-group.ts';
import { listHashOf } from './raw-proofs.ts';
import { startRelay, storeKinds, type TestRelay, type TestRelayOptions } from './test-relay.ts';

const day = 86_400_000;
const most = 1024 * 1024 + 1024;
const sweeps = { sweepEveryMs: 600_000, scrubEveryMs: day };
const longTokens = { tokens: { accessTtlMs: 30 * day }, mailbox: sweeps };
const unknown = { status: 404, code: 'group-unknown' };

/** How a test talks to a relay about avatars of one group. */
class AvatarTalk {
  readonly relay: TestRelay;
  readonly groupId: Uint8Array;

  constructor(relay: TestRelay, groupId: Uint8Array) {
    this.relay = relay;
    this.groupId = groupId;
  }

  /** Three accounts, the first two of which are members of a group. */
  static async start(options: TestRelayOptions) {
    const relay = await startRelay({ ...options, config: { mailbox: sweeps, ...options.config } });
    const [alice, bob, mallory] = [
      await register(relay, '+14155550101'),
      await register(relay, '+14155550102'),
      await register(relay, '+14155550103'),
    ];
    const talk = new AvatarTalk(relay, await makeGroup(relay, [alice, bob]));
    return { relay, talk, alice, bob, mallory, [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose]() };
  }

  put(as: RawAccount, location: Uint8Array, body: unknown = randomBytes(600)) {
    return call(this.relay, 'PUT', this.#path(location), { token: as.token, body });
  }

  get(as: RawAccount, location: Uint8Array) {
    return call<Uint8Array>(this.relay, 'GET', this.#path(location), { token: as.token });
  }

  invited(as: RawAccount, location: Uint8Array, inviteToken: Uint8Array) {
    const body = { inviteToken: toBase64Url(inviteToken) };
    return call<Uint8Array>(this.relay, 'POST', `${this.#path(location)}/invitation`, { token: as.token, body });
  }

  /** Appends a record that names an avatar. */
  async name(as: RawAccount, revision: number, location: Uint8Array | null, members: object = {}): Promise<void> {
    const body = {
      record: toBase64Url(groupRecord(this.groupId, revision)),
      added: [],
      removed: [],
      avatar: location && toBase64Url(location),
      ...members,
    };
    const path = `/v1/groups/${toBase64Url(this.groupId)}/records`;
    const { status } = await call(this.relay, 'POST', path, { token: as.token, body });
    expect(status).toBe(200);
  }

  #path(location: Uint8Array): string {
    return `/v1/groups/${toBase64Url(this.groupId)}/avatars/${toBase64Url(location)}`;
  }
}

/** Lets the relay sweep at this time. */
async function sweepAfter({ time, stores }: TestRelay, ms: number): Promise<void> {
  time.jump(ms);
  time.advance(0);
  while ((await stores.groupAvatars.due(time.now())).length > 0) await new Promise((resolve) => setImmediate(resolve));
}

/** How many avatars of groups are on the disk. */
async function filesOf({ folder }: { readonly folder: string }): Promise<number> {
  return (await readdir(join(folder, 'blobs', 'stored'))).filter((name) => name.startsWith('groups_')).length;
}

describe.each(storeKinds)('avatars of groups on %s stores', (stores) => {
  it('are for members, byte for byte, from a location that is used once', async () => {
    await using all = await AvatarTalk.start({ stores });
    const { talk, alice, bob, mallory } = all;
    const [location, bytes] = [randomBytes(32), randomBytes(most)];
    expect((await talk.put(alice, location, bytes)).status).toBe(204);
    expect((await talk.put(bob, location, bytes)).status).toBe(204);
    const { status, body } = await talk.get(bob, location);
    expect([status, Buffer.compare(body, bytes)]).toEqual([200, 0]);
    // Who knows a location can't put anything else in its place.
    const used = { status: 409, code: 'avatar-location-used', retryable: false };
    expect(await refusal(talk.put(bob, location))).toMatchObject(used);
    expect(Buffer.compare((await talk.get(alice, location)).body, bytes)).toBe(0);
    expect(await refusal(talk.get(alice, randomBytes(32)))).toMatchObject({ status: 404, code: 'not-found' });
    expect(await refusal(talk.get(mallory, location))).toMatchObject(unknown);
    expect(await refusal(talk.put(mallory, randomBytes(32)))).toMatchObject(unknown);
    const { url } = talk.relay;
    const path = `/v1/groups/${toBase64Url(talk.groupId)}/avatars/${toBase64Url(location)}`;
    for (const method of ['GET', 'PUT'])
      expect(await refusal(call({ url }, method, path))).toMatchObject({ status: 401 });
  });

  it('are not for those who were removed, from that moment on  [security: removed-member]', async () => {
    await using all = await AvatarTalk.start({ stores });
    const { talk, alice, bob } = all;
    const [before, after] = [randomBytes(32), randomBytes(32)];
    await talk.put(alice, before);
    await talk.name(alice, 2, before);
    expect((await talk.get(bob, before)).status).toBe(200);
    await talk.name(alice, 3, before, { removed: [bob.keys.userId] });
    await talk.put(alice, after);
    for (const location of [before, after]) expect(await refusal(talk.get(bob, location))).toMatchObject(unknown);
    expect(await refusal(talk.put(bob, randomBytes(32)))).toMatchObject(unknown);
    expect((await talk.get(alice, after)).status).toBe(200);
  });

  it('are shown to whoever has the link, as long as it is open', async () => {
    await using all = await AvatarTalk.start({ stores });
    const { relay, talk, alice, mallory } = all;
    const [location, token, bytes] = [randomBytes(32), randomBytes(32), randomBytes(700)];
    await talk.put(alice, location, bytes);
    await talk.name(alice, 2, location);
    const path = `/v1/groups/${toBase64Url(talk.groupId)}/invite`;
    const invite = { tokenHash: hashOf(token), revision: 2, box: toBase64Url(randomBytes(99)) };
    const none = { status: 404, code: 'not-found' };
    expect(await refusal(talk.invited(mallory, location, token))).toMatchObject(none);
    await call(relay, 'PUT', path, { token: alice.token, body: invite });
    expect(Buffer.compare((await talk.invited(mallory, location, token)).body, bytes)).toBe(0);
    expect(await refusal(talk.invited(mallory, location, randomBytes(32)))).toMatchObject(none);
    expect(await refusal(talk.invited(mallory, randomBytes(32), token))).toMatchObject(none);
    await call(relay, 'DELETE', path, { token: alice.token });
    expect(await refusal(talk.invited(mallory, location, token))).toMatchObject(none);
  });

  it('go when nobody refers to them: 31 days after another one, two days after a crash; the current one stays', async () => {
    await using all = await AvatarTalk.start({ stores, config: longTokens });
    const { relay, talk, alice, bob } = all;
    const [first, second, crashed] = [randomBytes(32), randomBytes(32), randomBytes(32)];
    await talk.put(alice, first);
    await talk.name(alice, 2, first);
    await talk.put(bob, crashed);
    await talk.put(bob, second);
    await talk.name(bob, 3, second);
    await sweepAfter(relay, 2 * day + 600_000);
    expect(await refusal(talk.get(alice, crashed))).toMatchObject({ code: 'not-found' });
    // A member who is behind still sees the one before.
    for (const location of [first, second]) expect((await talk.get(alice, location)).status).toBe(200);
    if (stores === 'embedded') expect(await filesOf(relay)).toBe(2);
    await sweepAfter(relay, 27 * day);
    expect((await talk.get(alice, first)).status).toBe(200);
    await sweepAfter(relay, 2 * day);
    if (stores === 'embedded') expect(await filesOf(relay)).toBe(1);
    await sweepAfter(relay, 200 * day);
    if (stores === 'embedded') expect(await filesOf(relay)).toBe(1);
    const key = `groups/${Buffer.from(talk.groupId).toString('hex')}/${second.toString('hex')}`;
    expect((await relay.stores.blobs.get(key))?.length).toBe(600);
  });

  it('stay with the group when whoever uploaded them leaves the relay, and go with its last account  [security: leaving]', async () => {
    await using all = await AvatarTalk.start({ stores });
    const { relay, talk, alice, bob } = all;
    const location = randomBytes(32);
    await talk.put(alice, location);
    await talk.name(alice, 2, location);
    const end = (account: RawAccount) =>
      relay.stores.control.end({
        userId: account.keys.userId as never,
        listHash: listHashOf(account),
        receipt: randomBytes(32),
        now: relay.time.now(),
      });
    await end(alice);
    expect((await talk.get(bob, location)).status).toBe(200);
    await end(bob);
    await sweepAfter(relay, 600_000);
    const key = `groups/${Buffer.from(talk.groupId).toString('hex')}/${location.toString('hex')}`;
    expect(await relay.stores.blobs.get(key)).toBe(undefined);
  });

  it('are refused when they are too large, empty, or come too often', async () => {
    const limits = {
      groupAvatarsPerAccount: { burst: 6, refillMs: day },
      groupAvatarsPerGroup: { burst: 7, refillMs: 1_000_000 },
    };
    await using all = await AvatarTalk.start({ stores, config: { limits } });
    const { talk, alice, bob, mallory } = all;
    const large = talk.put(alice, randomBytes(32), randomBytes(most + 1));
    expect(await refusal(large)).toMatchObject({ status: 413, code: 'avatar-too-large' });
    const malformed = { status: 400, code: 'request-malformed' };
    expect(await refusal(talk.put(alice, randomBytes(32), new Uint8Array()))).toMatchObject(malformed);
    expect(await refusal(talk.put(alice, randomBytes(32), {}))).toMatchObject(malformed);
    for (const length of [31, 33]) expect(await refusal(talk.put(alice, randomBytes(length)))).toMatchObject(malformed);
    // Nobody who is no member uses up what members may.
    for (let upload = 0; upload < 6; upload++) {
      expect(await refusal(talk.put(mallory, randomBytes(32)))).toMatchObject(unknown);
    }
    for (let upload = 0; upload < 6; upload++) expect((await talk.put(alice, randomBytes(32))).status).toBe(204);
    const limited = { status: 429, code: 'rate-limited', retryable: true };
    expect(await refusal(talk.put(alice, randomBytes(32)))).toMatchObject(limited);
    expect((await talk.put(bob, randomBytes(32))).status).toBe(204);
    const inAll = await refusal(talk.put(bob, randomBytes(32)));
    expect([inAll.code, (inAll.retryAfterMs ?? 0) > 900_000]).toEqual(['rate-limited', true]);
  });

  it('are eight at most: who uploads more ends the oldest, never the current one', async () => {
    await using all = await AvatarTalk.start({ stores });
    const { relay, talk, alice, bob } = all;
    const [current, old] = [randomBytes(32), randomBytes(32)];
    await talk.put(alice, current);
    await talk.name(alice, 2, current);
    relay.time.jump(1);
    await talk.put(alice, old);
    for (let upload = 0; upload < 7; upload++) {
      relay.time.jump(1);
      expect((await talk.put(bob, randomBytes(32))).status).toBe(204);
    }
    expect((await talk.get(alice, current)).status).toBe(200);
    expect(await refusal(talk.get(alice, old))).toMatchObject({ code: 'not-found' });
    await sweepAfter(relay, 600_000);
    if (stores === 'embedded') expect(await filesOf(relay)).toBe(8);
  });
});

it('an upload that a crash cut off leaves no file for good, nor does a disk that was away', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sotto-relay-'));
  const location = randomBytes(32);
  let isAway = true;
  const wrapStores: TestRelayOptions['wrapStores'] = (stores) => ({
    ...stores,
    blobs: {
      put: async (key, bytes) => {
        await stores.blobs.put(key, bytes);
        throw new RelayError('store-unavailable', 'the power went', { retryable: true });
      },
      get: (key) => stores.blobs.get(key),
      delete: (key) => (isAway ? Promise.reject(new Error('away')) : stores.blobs.delete(key)),
    } satisfies BlobStore,
  });
  const first = await AvatarTalk.start({ stores: 'embedded', folder, wrapStores, config: longTokens });
  const answer = await refusal(first.talk.put(first.alice, location));
  expect([answer.status, answer.retryable]).toEqual([503, true]);
  await first.relay.relay.stop();
  expect(await filesOf(first.relay)).toBe(1);
  {
    // The same upload again is taken, and finds its bytes.
    await using relay = await startRelay({ stores: 'embedded', folder, wrapStores, config: longTokens });
    relay.time.jump(first.relay.time.now() - relay.time.now());
    const talk = new AvatarTalk(relay, first.talk.groupId);
    expect((await talk.get(first.alice, location)).status).toBe(200);
    relay.time.jump(3 * day);
    relay.time.advance(0);
    while (!relay.log().includes('sweep.failed')) await new Promise((resolve) => setImmediate(resolve));
    expect(await refusal(talk.get(first.alice, location))).toMatchObject({ code: 'not-found' });
    expect(await filesOf(relay)).toBe(1);
    isAway = false;
    await sweepAfter(relay, 600_000);
    expect(await filesOf(relay)).toBe(0);
  }
  await rm(folder, { recursive: true, force: true });
});

it('a record of a guest, or one that is refused, names no avatar', async () => {
  await using all = await AvatarTalk.start({ stores: 'memory', config: longTokens });
  const { relay, talk, alice, mallory } = all;
  const [current, other, token] = [randomBytes(32), randomBytes(32), randomBytes(32)];
  await talk.put(alice, current);
  await talk.name(alice, 2, current);
  const path = `/v1/groups/${toBase64Url(talk.groupId)}`;
  const invite = { tokenHash: hashOf(token), revision: 2, box: toBase64Url(randomBytes(99)) };
  await call(relay, 'PUT', `${path}/invite`, { token: alice.token, body: invite });
  const guest = {
    record: toBase64Url(groupRecord(talk.groupId, 3)),
    added: [mallory.keys.userId],
    removed: [],
    avatar: null,
    inviteToken: toBase64Url(token),
  };
  expect((await call(relay, 'POST', `${path}/records`, { token: mallory.token, body: guest })).status).toBe(200);
  const flawed = { ...guest, record: toBase64Url(groupRecord(talk.groupId, 4)), inviteToken: undefined };
  for (const avatar of ['', 'AAAA', 7, {}]) {
    const answer = call(relay, 'POST', `${path}/records`, { token: alice.token, body: { ...flawed, avatar } });
    expect(await refusal(answer)).toMatchObject({ status: 400, code: 'request-malformed' });
  }
  await talk.put(alice, other);
  await append(relay, alice, talk.groupId, groupRecord(talk.groupId, 9));
  await sweepAfter(relay, 25 * day);
  expect((await talk.get(alice, current)).status).toBe(200);
  expect(await refusal(talk.get(alice, other))).toMatchObject({ code: 'not-found' });
});
