import { randomBytes } from 'node:crypto';
import { type ClientFrameFields, RecipientStatus, toBase64Url, uuidToBytes } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { call, connect, open, type RawAccount, refusal, register, ticketProtocols } from './raw-client.ts';
import { familyOf, grown, nextOf, type RawFamily } from './raw-devices.ts';
import { append, groupRecord, makeGroup } from './raw-group.ts';
import { postSealed, registerWithKey, sealedSend } from './raw-sealed.ts';
import { type RawStream, rawSend } from './raw-stream.ts';
import { pairOf, startCluster, type TestNode, turns } from './test-cluster.ts';
import { unlimitedSends } from './test-relay.ts';

const config = { limits: unlimitedSends, stream: { idleTimeoutMs: 86_400_000 } };
const { RECIPIENT_STATUS_ACCEPTED: accepted, RECIPIENT_STATUS_NOT_MEMBER: notMember } = RecipientStatus;

type Send = NonNullable<ClientFrameFields['send']>;

/** A Send to all devices of a family. */
function sendTo(family: RawFamily): Send {
  const send = rawSend({ to: family.account.keys, listVersion: family.version });
  const [recipient] = send.recipients ?? [];
  const [template] = recipient?.devices ?? [];
  const devices = family.devices.map(({ deviceId, registrationId }) => ({ ...template, deviceId, registrationId }));
  return { ...send, recipients: [{ ...recipient, devices }] };
}

/** A Send of one ciphertext to the first device of each. */
function groupSend(groupId: Uint8Array, to: readonly RawAccount[]): Send {
  return {
    sendId: randomBytes(16),
    messageId: randomBytes(16),
    attempt: 1,
    suite: 1,
    groupId,
    groupEpoch: 7,
    sharedCiphertext: randomBytes(300),
    recipients: to.map(({ keys }) => ({
      userId: uuidToBytes(keys.userId),
      deviceListVersion: 1,
      devices: [{ deviceId: 1, registrationId: keys.registrationId, kind: 3 }],
    })),
  };
}

async function sent(stream: RawStream, send: Send) {
  stream.send({ send });
  const { refused, recipients } = await stream.next('sendResult');
  return { code: refused?.code, statuses: (recipients ?? []).map(({ status }) => status) };
}

const put = (node: TestNode, token: string, family: RawFamily) =>
  call(node, 'PUT', '/v1/devices', { token, body: { deviceList: toBase64Url(family.list) } });

describe('what one of two relays has changed counts at the other at once', () => {
  it('a device that was linked gets what is sent next, through either  [security: device-injection]', async () => {
    await using cluster = await startCluster({ config });
    const [first, second] = pairOf(cluster);
    const alice = await register(first, '+14155550101');
    const bob = await register(second, '+14155550102');
    const one = familyOf(bob);
    // Both have seen the list that there was.
    for (const node of [first, second]) {
      expect(await sent(await open(node, alice), sendTo(one))).toEqual({ code: undefined, statuses: [accepted] });
    }
    const linked = await grown(second, one);
    const atFirst = await open(first, linked.device);
    for (const node of [first, second]) {
      const stream = await open(node, alice);
      const late = await sent(stream, sendTo(one));
      expect([late.code, late.statuses[0] === accepted]).toEqual([undefined, false]);
      expect(await sent(stream, sendTo(linked.family))).toEqual({ code: undefined, statuses: [accepted] });
      expect((await atFirst.next('deliver')).envelope?.length).toBeGreaterThan(0);
    }
  });

  it('a member who was removed may not send, and is not sent to', async () => {
    await using cluster = await startCluster({ config });
    const [first, second] = pairOf(cluster);
    const alice = await register(first, '+14155550101');
    const bob = await register(second, '+14155550102');
    const carol = await register(first, '+14155550103');
    const groupId = await makeGroup(first, [alice, bob, carol]);
    const [fromAlice, fromBob] = [await open(first, alice), await open(second, bob)];
    expect(await sent(fromBob, groupSend(groupId, [alice, carol]))).toEqual({
      code: undefined,
      statuses: [accepted, accepted],
    });
    await fromAlice.next('deliver');
    expect((await append(first, alice, groupId, groupRecord(groupId, 2), { removed: [bob] })).status).toBe(200);
    expect(await sent(fromBob, groupSend(groupId, [alice, carol]))).toMatchObject({ code: 'group-unknown' });
    expect((await append(first, alice, groupId, groupRecord(groupId, 3), { added: [bob] })).status).toBe(200);
    expect(await sent(fromBob, groupSend(groupId, [alice]))).toMatchObject({ code: undefined });
    // And the other way round: who was added here is written to there, who was removed is not.
    expect((await append(second, bob, groupId, groupRecord(groupId, 4), { removed: [carol] })).status).toBe(200);
    expect((await sent(fromAlice, groupSend(groupId, [bob, carol]))).statuses).toEqual([accepted, notMember]);
  });

  it('an access key that was replaced lets nobody in any more', async () => {
    await using cluster = await startCluster({ config });
    const [first, second] = pairOf(cluster);
    const bob = await registerWithKey(first, '+14155550102');
    const write = () => postSealed(second, bob, [sealedSend(bob)]);
    expect((await write()).status).toBe(200);
    const body = { profile: toBase64Url(randomBytes(100)), accessKey: toBase64Url(randomBytes(16)) };
    expect((await call(first, 'PUT', '/v1/profile', { token: bob.token, body })).status).toBe(204);
    expect(await refusal(write())).toMatchObject({ code: 'sealed-refused' });
  });

  it('a device that was taken off can neither send nor read where nobody has heard of it, and its stream ends within a minute  [security: device-injection]', async () => {
    await using cluster = await startCluster({ config });
    const [first, second] = pairOf(cluster);
    const alice = await register(first, '+14155550101');
    const bob = await register(first, '+14155550102');
    const linked = await grown(first, familyOf(alice));
    const fromBob = await open(first, bob);
    // More than is given without an ack: there is something left to read.
    fromBob.send(...Array.from({ length: 300 }, () => ({ send: sendTo(linked.family) })));
    await cluster.during(fromBob.take('sendResult', 300));
    const revoked = await open(second, linked.device);
    const given = await cluster.during(revoked.take('deliver', 256));
    cluster.engines.network.cut(first.name, second.name);
    const without = nextOf(linked.family, familyOf(alice).devices);
    expect((await put(first, alice.token, without)).status).toBe(200);
    await turns();
    expect(revoked.kinds).not.toContain('devicesChanged');
    // It still has a stream, and that is all.
    const signal = { userId: uuidToBytes(bob.keys.userId), deviceId: 1, payload: randomBytes(20) };
    revoked.send({ ack: { deliveryIds: given.map(({ deliveryId }) => deliveryId ?? new Uint8Array()) } });
    revoked.send({ ephemeral: signal }, { send: rawSend({ to: bob.keys }) });
    expect((await revoked.next('sendResult')).recipients?.[0]?.status).not.toBe(accepted);
    expect((await sent(fromBob, sendTo(linked.family))).statuses).not.toEqual([accepted]);
    await turns();
    await Promise.all([revoked.settled(), fromBob.settled()]);
    expect(revoked.kinds).not.toContain('deliver');
    expect(fromBob.kinds.filter((kind) => kind === 'ephemeral' || kind === 'deliver')).toEqual([]);
    cluster.time.advance(60_000);
    expect(await cluster.during(revoked.closed)).toMatchObject({ code: 4003 });
    expect(await refusal(call(second, 'GET', '/v1/devices', { token: linked.device.token }))).toMatchObject({
      code: 'token-invalid',
    });
  });

  it.each(['token', 'ticket'] as const)(
    'a device whose %s was looked at just before it was taken off gets no stream of the one that has its place since  [security: device-injection]',
    async (shown) => {
      await using cluster = await startCluster({ config });
      const [first, second] = pairOf(cluster);
      const alice = await register(first, '+14155550101');
      const before = await grown(first, familyOf(alice));
      const protocols = shown === 'ticket' ? await ticketProtocols(second, before.device.token) : [];
      const came = Promise.withResolvers<void>();
      const gate = Promise.withResolvers<void>();
      let isHeld = true;
      const held = async <T>(found: T): Promise<T> => {
        if (!isHeld) return found;
        isHeld = false;
        came.resolve();
        await gate.promise;
        return found;
      };
      const { tokens, tickets } = cluster.engines.stores;
      const session = tokens.session.bind(tokens);
      const redeem = tickets.redeem.bind(tickets);
      tokens.session = async (access, now) => held(await session(access, now));
      tickets.redeem = async (ticket, now) => held(await redeem(ticket, now));
      const opening = connect(second, shown === 'ticket' ? { protocols } : { token: before.device.token });
      await came.promise;
      const without = nextOf(before.family, familyOf(alice).devices);
      expect((await put(first, alice.token, without)).status).toBe(200);
      const after = await grown(first, without);
      expect(after.family.devices[1]?.deviceId).toBe(before.family.devices[1]?.deviceId);
      gate.resolve();
      const stream = await opening;
      const closed = stream.closed;
      stream.send({ hello: { protocolMin: 1, protocolMax: 1, agent: 'the one before' } });
      stream.send({ send: sendTo(familyOf(alice)) });
      expect(await cluster.during(closed)).toMatchObject({ code: 4003 });
      const results = stream.kinds.filter((kind) => kind === 'sendResult').map(() => stream.next('sendResult'));
      for (const { recipients } of await Promise.all(results)) expect(recipients?.[0]?.status).not.toBe(accepted);
      expect(stream.kinds).not.toContain('queueEmpty');
    },
  );
});
