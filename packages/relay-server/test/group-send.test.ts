import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ClientFrameFields, Envelope, SignedDeviceList, toBase64Url, uuidToBytes } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import type { DeviceId, UserId } from '../src/ports/ids.ts';
import { call, open, type RawAccount, register } from './raw-client.ts';
import { append, groupRecord, makeGroup } from './raw-group.ts';
import { signedList } from './raw-keys.ts';
import type { RawStream } from './raw-stream.ts';
import { startRelay, storeKinds, type TestRelay } from './test-relay.ts';

type Send = NonNullable<ClientFrameFields['send']>;

/** A Send of one ciphertext to the first device of each. */
function groupSend(groupId: Uint8Array, to: readonly RawAccount[], changes: Partial<Send> = {}): Send {
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
    ...changes,
  };
}

async function sent(stream: RawStream, send: Send) {
  stream.send({ send });
  const { refused, recipients, acceptedAt } = await stream.next('sendResult');
  return { code: refused?.code, statuses: (recipients ?? []).map(({ status }) => status), acceptedAt };
}

async function people(relay: TestRelay): Promise<[RawAccount, RawAccount, RawAccount]> {
  return [
    await register(relay, '+14155550101'),
    await register(relay, '+14155550102'),
    await register(relay, '+14155550103'),
  ];
}

const [accepted, full, notMember] = [1, 4, 6];

describe.each(storeKinds)('a Send to a group on %s stores', (stores) => {
  it('brings the one ciphertext to each device, connected or not', async () => {
    await using relay = await startRelay({ stores });
    const [alice, bob, carol] = await people(relay);
    const groupId = await makeGroup(relay, [alice, bob, carol]);
    const [from, toBob] = [await open(relay, alice), await open(relay, bob)];
    await toBob.next('queueEmpty');
    const send = groupSend(groupId, [bob, carol]);
    const result = await sent(from, send);
    expect([result.code, result.statuses]).toEqual([undefined, [accepted, accepted]]);
    const toCarol = await open(relay, carol);
    for (const [stream, who] of [
      [toBob, bob],
      [toCarol, carol],
    ] as const) {
      const { deliveryId, envelope } = await stream.next('deliver');
      const read = Envelope.decode(envelope ?? new Uint8Array());
      expect([Buffer.from(read.ciphertext), Buffer.from(read.groupId), Buffer.from(read.messageId)]).toEqual(
        [send.sharedCiphertext, groupId, send.messageId].map((bytes) => Buffer.from(bytes ?? [])),
      );
      expect([read.kind, read.groupEpoch, read.suite, read.attempt, read.senderDevice]).toEqual([3, 7, 1, 1, 1]);
      expect([Buffer.from(read.senderUser), Buffer.from(read.recipientUser), read.recipientDevice]).toEqual([
        Buffer.from(uuidToBytes(alice.keys.userId)),
        Buffer.from(uuidToBytes(who.keys.userId)),
        1,
      ]);
      expect([read.acceptedAt, read.expiresAt > read.acceptedAt]).toEqual([result.acceptedAt, true]);
      stream.send({ ack: { deliveryIds: [deliveryId ?? new Uint8Array()] } });
      await stream.settled();
    }
    expect((await sent(from, send)).statuses).toEqual([accepted, accepted]);
    const again = await open(relay, carol);
    await again.next('queueEmpty');
    expect(again.kinds).not.toContain('deliver');
  });

  it('goes from members to members only  [security: group-membership]', async () => {
    await using relay = await startRelay({ stores });
    const [alice, bob, mallory] = await people(relay);
    const groupId = await makeGroup(relay, [alice, bob]);
    const [from, outside] = [await open(relay, alice), await open(relay, mallory)];
    expect(await sent(outside, groupSend(groupId, [alice, bob]))).toMatchObject({ code: 'group-unknown' });
    expect(await sent(from, groupSend(randomBytes(32), [bob]))).toMatchObject({ code: 'group-unknown' });
    expect((await sent(from, groupSend(groupId, [mallory, bob]))).statuses).toEqual([notMember, accepted]);
    const toMallory = await open(relay, mallory);
    await toMallory.next('queueEmpty');
    expect(toMallory.kinds).not.toContain('deliver');
  });

  it('breaks no lane when somebody is not given it: what follows goes to the others', async () => {
    await using relay = await startRelay({ stores });
    const [alice, bob, mallory] = await people(relay);
    const groupId = await makeGroup(relay, [alice, bob]);
    const from = await open(relay, alice);
    const lane = randomBytes(8);
    const sends = [1, 2, 3].map((laneNo) => groupSend(groupId, [mallory, bob], { lane, laneNo }));
    for (const send of sends) from.send({ send });
    for (const _ of sends) {
      const { refused, recipients } = await from.next('sendResult');
      expect([refused, (recipients ?? []).map(({ status }) => status)]).toEqual([null, [notMember, accepted]]);
    }
  });

  it('follows the log: who came gets it, who was removed neither gets nor sends  [security: removed-member]', async () => {
    await using relay = await startRelay({ stores });
    const [alice, bob, carol] = await people(relay);
    const groupId = await makeGroup(relay, [alice, bob]);
    const [from, fromBob] = [await open(relay, alice), await open(relay, bob)];
    expect((await sent(from, groupSend(groupId, [carol]))).statuses).toEqual([notMember]);
    const before = groupSend(groupId, [alice]);
    expect((await sent(fromBob, before)).statuses).toEqual([accepted]);
    await append(relay, alice, groupId, groupRecord(groupId, 2), { added: [carol], removed: [bob] });
    expect((await sent(from, groupSend(groupId, [bob, carol]))).statuses).toEqual([notMember, accepted]);
    expect(await sent(fromBob, groupSend(groupId, [alice]))).toMatchObject({ code: 'group-unknown' });
    // What was accepted before stays so, when its sender asks once more.
    expect(await sent(fromBob, before)).toMatchObject({ code: undefined, statuses: [accepted] });
  });

  it('is limited by device alone, and fills no more than the strangers’ share of who is shown no access key', async () => {
    const config = {
      limits: { sendsToStranger: { burst: 1, refillMs: 1_000 }, sendsToContact: { burst: 1, refillMs: 1_000 } },
      mailbox: { strangerQuotaCount: 2 },
    };
    await using relay = await startRelay({ stores, config });
    const [alice, bob] = await people(relay);
    const groupId = await makeGroup(relay, [alice, bob]);
    const from = await open(relay, alice);
    const statuses = async (changes: Partial<Send> = {}) =>
      (await sent(from, groupSend(groupId, [bob], changes))).statuses;
    const seen = [await statuses(), await statuses(), await statuses()];
    expect(seen).toEqual([[accepted], [accepted], [full]]);
    const accessKey = randomBytes(16);
    const device = { userId: bob.keys.userId as UserId, deviceId: 1 as DeviceId };
    await relay.stores.accounts.putProfile(device, randomBytes(20), createHash('sha256').update(accessKey).digest());
    const shown = (recipients: Send['recipients']) => (recipients ?? []).map((one) => ({ ...one, accessKey }));
    for (let count = 0; count < 3; count++) {
      expect(await statuses({ recipients: shown(groupSend(groupId, [bob]).recipients) })).toEqual([accepted]);
    }
    expect(await statuses()).toEqual([full]);
    const each = groupSend(groupId, [bob], { sharedCiphertext: new Uint8Array() });
    const [recipient] = shown(each.recipients);
    const devices = [{ ...recipient?.devices?.[0], kind: 1, ciphertext: randomBytes(50) }];
    for (let count = 0; count < 3; count++) {
      const pairwise = { ...each, sendId: randomBytes(16), recipients: [{ ...recipient, devices }] };
      expect((await sent(from, pairwise)).statuses).toEqual([accepted]);
    }
    const toBob = await open(relay, bob);
    const delivered = await toBob.take('deliver', 8);
    const last = Envelope.decode(delivered.at(-1)?.envelope ?? new Uint8Array());
    expect([last.kind, last.ciphertext.length, Buffer.from(last.groupId), last.groupEpoch]).toEqual([
      1,
      50,
      Buffer.from(groupId),
      7,
    ]);
  });

  it('reaches the sender’s own other devices, and not the one that sends', async () => {
    await using relay = await startRelay({ stores });
    const [alice, bob] = await people(relay);
    const groupId = await makeGroup(relay, [alice, bob]);
    const before = SignedDeviceList.decode(signedList(alice.keys)).list;
    const list = signedList(alice.keys, {
      version: 2,
      previousHash: createHash('sha256').update(before).digest(),
      devices: [
        { deviceId: 1, registrationId: alice.keys.registrationId },
        { deviceId: 2, registrationId: 22 },
      ],
    });
    const body = { deviceList: toBase64Url(list) };
    expect((await call(relay, 'PUT', '/v1/devices', { token: alice.token, body })).status).toBe(200);
    const from = await open(relay, alice);
    const own = {
      userId: uuidToBytes(alice.keys.userId),
      deviceListVersion: 2,
      devices: [{ deviceId: 2, registrationId: 22, kind: 3 }],
    };
    const { recipients } = groupSend(groupId, [bob]);
    const send = groupSend(groupId, [], { recipients: [own, ...(recipients ?? [])] });
    expect((await sent(from, send)).statuses).toEqual([accepted, accepted]);
    const held = (account: RawAccount, deviceId: number) =>
      relay.stores.mailbox.usage({ userId: account.keys.userId as UserId, deviceId: deviceId as DeviceId });
    const counts = [await held(alice, 1), await held(alice, 2), await held(bob, 1)].map(({ count }) => count);
    expect(counts).toEqual([0, 1, 1]);
  });

  it('is refused when it breaks the form, and the stream goes on', async () => {
    await using relay = await startRelay({ stores });
    const [alice, bob] = await people(relay);
    const groupId = await makeGroup(relay, [alice, bob]);
    const from = await open(relay, alice);
    const { recipients = [] } = groupSend(groupId, [bob]);
    const [recipient] = recipients ?? [];
    const [device] = recipient?.devices ?? [];
    const of = (changes: object) => [{ ...recipient, devices: [{ ...device, ...changes }] }];
    const flawed: Partial<Send>[] = [
      { groupId: randomBytes(31) },
      { groupId: new Uint8Array() },
      { groupEpoch: 0 },
      { sharedCiphertext: randomBytes(256 * 1024 + 1) },
      { sharedCiphertext: new Uint8Array() },
      { recipients: of({ kind: 1 }) },
      { recipients: of({ ciphertext: randomBytes(9) }) },
      {
        groupId: new Uint8Array(),
        sharedCiphertext: new Uint8Array(),
        recipients: of({ kind: 1, ciphertext: randomBytes(9) }),
      },
    ];
    for (const flaw of flawed) {
      const { code } = await sent(from, groupSend(groupId, [bob], flaw));
      expect([Object.keys(flaw), code]).toEqual([Object.keys(flaw), 'send-malformed']);
    }
    expect((await sent(from, groupSend(groupId, [bob]))).statuses).toEqual([accepted]);
  });
});

describe('P4: what a group was sent', () => {
  it('is in no file of the relay once the last device has acked it', async () => {
    await using relay = await startRelay({ stores: 'embedded' });
    const [alice, bob, carol] = await people(relay);
    const groupId = await makeGroup(relay, [alice, bob, carol]);
    const from = await open(relay, alice);
    const send = groupSend(groupId, [bob, carol], { sharedCiphertext: randomBytes(4_000) });
    await sent(from, send);
    const files = async () => {
      await relay.stores.mailbox.scrub();
      const entries = await readdir(relay.folder, { recursive: true, withFileTypes: true });
      const found = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
      const mark = Buffer.from(send.sharedCiphertext ?? []).subarray(2_000, 2_032);
      const held = await Promise.all(found.map(async (file) => (await readFile(file)).includes(mark)));
      return held.filter(Boolean).length;
    };
    const held: number[] = [await files()];
    for (const who of [bob, carol]) {
      const stream = await open(relay, who);
      const { deliveryId } = await stream.next('deliver');
      stream.send({ ack: { deliveryIds: [deliveryId ?? new Uint8Array()] } });
      await stream.settled();
      await relay.stores.mailbox.scrub();
      held.push(await files());
    }
    expect(held).toEqual([1, 1, 0]);
  });
});
