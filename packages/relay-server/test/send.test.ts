import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { type ClientFrameFields, SignedDeviceList, toBase64Url, uuidToBytes } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { call, open, type RawAccount, register } from './raw-client.ts';
import { makeKeys, signedList } from './raw-keys.ts';
import { rawSend } from './raw-stream.ts';
import { startRelay, storeKinds, type TestRelay } from './test-relay.ts';

type Send = NonNullable<ClientFrameFields['send']>;

const accepted = { recipients: [{ status: 1 }] };
const superseded = { refused: { code: 'superseded', retryable: true }, acceptedAt: 0 };

async function pair(relay: TestRelay): Promise<{ alice: RawAccount; bob: RawAccount }> {
  return { alice: await register(relay, '+14155550101'), bob: await register(relay, '+14155550102') };
}

/** Gives `account` a second device in a second version of its list. */
async function addDevice(relay: TestRelay, account: RawAccount): Promise<Uint8Array> {
  const before = SignedDeviceList.decode(signedList(account.keys)).list;
  const list = signedList(account.keys, {
    version: 2,
    previousHash: createHash('sha256').update(before).digest(),
    devices: [
      { deviceId: 1, registrationId: account.keys.registrationId },
      { deviceId: 2, registrationId: 22 },
    ],
  });
  const body = { deviceList: toBase64Url(list) };
  const { status } = await call(relay, 'PUT', '/v1/devices', { token: account.token, body });
  expect(status).toBe(200);
  return list;
}

describe.each(storeKinds)('a Send on %s stores', (stores) => {
  it('gets its recorded result when it comes again, for 8 days, and is stored once', async () => {
    await using relay = await startRelay({ stores });
    const { alice, bob } = await pair(relay);
    const from = await open(relay, alice);
    const send = rawSend({ to: bob.keys });
    from.send({ send }, { send });
    const results = await from.take('sendResult', 2);
    relay.time.jump(60_000);
    from.send({ send });
    const later = await from.next('sendResult');
    expect(later).toMatchObject({ ...accepted, acceptedAt: results[0]?.acceptedAt, expiresAt: results[0]?.expiresAt });
    const to = await open(relay, bob);
    await to.next('queueEmpty');
    expect(to.kinds.filter((kind) => kind === 'deliver')).toHaveLength(1);
    await addDevice(relay, bob);
    from.send({ send });
    expect(await from.next('sendResult')).toMatchObject(accepted);
  });

  it('is another device’s own when the id is the same', async () => {
    await using relay = await startRelay({ stores });
    const { alice, bob } = await pair(relay);
    const from = await open(relay, alice);
    const back = await open(relay, bob);
    const sendId = randomBytes(16);
    from.send({ send: rawSend({ to: bob.keys, sendId }) });
    back.send({ send: rawSend({ to: alice.keys, sendId }) });
    await from.next('sendResult');
    await back.next('sendResult');
    await from.next('deliver');
    await back.next('deliver');
  });

  it('is answered with the signed list when it names other devices than there are, and stores nothing', async () => {
    await using relay = await startRelay({ stores });
    const { alice, bob } = await pair(relay);
    const from = await open(relay, alice);
    const list = await addDevice(relay, bob);
    const old = rawSend({ to: bob.keys });
    const [first] = old.recipients ?? [];
    const [device] = first?.devices ?? [];
    const userId = uuidToBytes(bob.keys.userId);
    const second = { ...device, deviceId: 2, registrationId: 22 };
    const to = (changes: object): Send => ({
      ...old,
      sendId: randomBytes(16),
      recipients: [{ userId, deviceListVersion: 2, ...changes }],
    });
    const wrong: Send[] = [
      old,
      to({ devices: [{ ...device }] }),
      to({ devices: [{ ...device }, { ...second, registrationId: 23 }] }),
      to({ devices: [{ ...device }, { ...second, deviceId: 3 }] }),
      to({ devices: [{ ...device }, second], deviceListVersion: 3 }),
    ];
    for (const send of wrong) {
      from.send({ send });
      const { recipients, acceptedAt } = await from.next('sendResult');
      expect(recipients).toMatchObject([{ status: 2 }]);
      expect(Buffer.from(SignedDeviceList.encode(recipients?.[0]?.deviceList ?? {}))).toEqual(Buffer.from(list));
      expect(acceptedAt).toBe(0);
    }
    from.send({ send: to({ devices: [{ ...device }, second] }) });
    expect(await from.next('sendResult')).toMatchObject({
      recipients: [
        {
          status: 1,
          devices: [
            { deviceId: 1, status: 1 },
            { deviceId: 2, status: 1 },
          ],
        },
      ],
    });
    const reading = await open(relay, bob);
    await reading.next('queueEmpty');
    expect(reading.kinds.filter((kind) => kind === 'deliver')).toHaveLength(1);
  });

  it('is atomic per user: who is unknown does not hold back the others', async () => {
    await using relay = await startRelay({ stores });
    const { alice, bob } = await pair(relay);
    const from = await open(relay, alice);
    const send = rawSend({ to: bob.keys });
    const nobody = { ...makeKeys(), userId: randomUUID() };
    from.send({
      send: { ...send, recipients: [...(send.recipients ?? []), ...(rawSend({ to: nobody }).recipients ?? [])] },
    });
    expect(await from.next('sendResult')).toMatchObject({ recipients: [{ status: 1 }, { status: 3 }] });
    await (await open(relay, bob)).next('deliver');
  });

  it('to the own account may leave the sending device out', async () => {
    await using relay = await startRelay({ stores });
    const { alice } = await pair(relay);
    await addDevice(relay, alice);
    const from = await open(relay, alice);
    const send = rawSend({ to: alice.keys, listVersion: 2 });
    const [recipient] = send.recipients ?? [];
    const others = (recipient?.devices ?? []).map((device) => ({ ...device, deviceId: 2, registrationId: 22 }));
    from.send({ send: { ...send, recipients: [{ ...recipient, devices: others }] } });
    expect(await from.next('sendResult')).toMatchObject(accepted);
  });

  it('is refused when the mailbox is full, and accepted under the same id when there is room', async () => {
    await using relay = await startRelay({ stores, config: { mailbox: { quotaCount: 2 } } });
    const { alice, bob } = await pair(relay);
    const from = await open(relay, alice);
    const third = rawSend({ to: bob.keys });
    from.send({ send: rawSend({ to: bob.keys }) }, { send: rawSend({ to: bob.keys }) }, { send: third });
    expect(await from.take('sendResult', 3)).toMatchObject([
      accepted,
      accepted,
      { recipients: [{ status: 4, devices: [{ deviceId: 1, status: 2 }] }], acceptedAt: 0 },
    ]);
    const to = await open(relay, bob);
    const { deliveryId } = await to.next('deliver');
    to.send({ ack: { deliveryIds: [deliveryId ?? randomBytes(1)] } });
    await to.settled();
    await to.close();
    from.send({ send: third });
    expect(await from.next('sendResult')).toMatchObject(accepted);
  });

  it('passes over a full device while a sibling has room', async () => {
    await using relay = await startRelay({ stores, config: { mailbox: { quotaCount: 1 } } });
    const { alice, bob } = await pair(relay);
    const from = await open(relay, alice);
    from.send({ send: rawSend({ to: bob.keys }) });
    expect(await from.next('sendResult')).toMatchObject(accepted);
    await addDevice(relay, bob);
    const send = rawSend({ to: bob.keys, listVersion: 2 });
    const [recipient] = send.recipients ?? [];
    const [device] = recipient?.devices ?? [];
    const devices = [{ ...device }, { ...device, deviceId: 2, registrationId: 22 }];
    from.send({ send: { ...send, recipients: [{ ...recipient, devices }] } });
    expect(await from.next('sendResult')).toMatchObject({
      recipients: [
        {
          status: 1,
          devices: [
            { deviceId: 1, status: 2 },
            { deviceId: 2, status: 1 },
          ],
        },
      ],
    });
  });

  it.each<[string, (send: Send) => Partial<Send>]>([
    ['a short send_id', () => ({ sendId: randomBytes(15) })],
    ['a long lane', () => ({ lane: randomBytes(9), laneNo: 1 })],
    ['lane_no 0', () => ({ lane: randomBytes(8), laneNo: 0 })],
    ['no message_id', () => ({ messageId: new Uint8Array() })],
    ['attempt 0', () => ({ attempt: 0 })],
    ['suite 0', () => ({ suite: 0 })],
    ['a ttl over 30 days', () => ({ ttlSeconds: 30 * 24 * 3_600 + 1 })],
    ['no recipients', () => ({ recipients: [] })],
    [
      'too many recipients',
      (send) => ({
        recipients: Array.from({ length: 1_025 }, () => ({ ...send.recipients?.[0], userId: randomBytes(16) })),
      }),
    ],
    ['a user twice', (send) => ({ recipients: [...(send.recipients ?? []), ...(send.recipients ?? [])] })],
    ['a short user_id', (send) => ({ recipients: [{ ...send.recipients?.[0], userId: randomBytes(4) }] })],
    ['no devices', (send) => ({ recipients: [{ ...send.recipients?.[0], devices: [] }] })],
    ['device 0', (send) => deviceOf(send, { deviceId: 0 })],
    ['device 128', (send) => deviceOf(send, { deviceId: 128 })],
    ['registration id 0', (send) => deviceOf(send, { registrationId: 0 })],
    ['no kind', (send) => deviceOf(send, { kind: 0 })],
    ['an empty ciphertext', (send) => deviceOf(send, { ciphertext: new Uint8Array() })],
    ['a ciphertext over 256 KiB', (send) => deviceOf(send, { ciphertext: new Uint8Array(256 * 1024 + 1) })],
  ])('with %s is refused whole, and the stream goes on', async (_what, change) => {
    await using relay = await startRelay({ stores });
    const { alice, bob } = await pair(relay);
    const from = await open(relay, alice);
    const send = rawSend({ to: bob.keys });
    from.send(
      { send: { ...send, ...change(send) } },
      { send: rawSend({ to: bob.keys, ciphertext: new Uint8Array(256 * 1024) }) },
    );
    const results = await from.take('sendResult', 2);
    expect(results.find(({ refused }) => refused)).toMatchObject({
      refused: { code: 'send-malformed', retryable: false },
    });
    expect(results.find(({ refused }) => !refused)).toMatchObject(accepted);
  });

  it('without room on disk is refused with a retryable error, and readyz says so until one goes through', async () => {
    let isFull = false;
    await using relay = await startRelay({
      stores,
      wrapStores: (real) => ({
        ...real,
        mailbox: new Proxy(real.mailbox, {
          get(mailbox, name) {
            const value: unknown = Reflect.get(mailbox, name, mailbox);
            if (name === 'append' && isFull) return () => Promise.reject(new Error('disk full'));
            return typeof value === 'function' ? value.bind(mailbox) : value;
          },
        }),
      }),
    });
    const { alice, bob } = await pair(relay);
    const from = await open(relay, alice);
    const send = rawSend({ to: bob.keys });
    isFull = true;
    from.send({ send });
    expect(await from.next('sendResult')).toMatchObject({ refused: { code: 'store-unavailable', retryable: true } });
    expect((await call(relay, 'GET', '/readyz')).status).toBe(503);
    isFull = false;
    from.send({ send });
    expect(await from.next('sendResult')).toMatchObject(accepted);
    expect((await call(relay, 'GET', '/readyz')).status).toBe(200);
  });
});

describe.each(storeKinds)('a lane on %s stores', (stores) => {
  const inLane = (to: RawAccount, lane: Uint8Array, laneNo: number, more: object = {}) => ({
    send: rawSend({ to: to.keys, lane, laneNo, ...more }),
  });

  it('is superseded after a refusal, until the client opens another', async () => {
    await using relay = await startRelay({ stores });
    const { alice, bob } = await pair(relay);
    const from = await open(relay, alice);
    const lane = randomBytes(8);
    const first = inLane(bob, lane, 1);
    from.send(first, inLane(bob, lane, 2, { listVersion: 9 }), inLane(bob, lane, 3), inLane(bob, lane, 4), first);
    const results = await from.take('sendResult', 5);
    const byId = (send: { send: Send }) =>
      results.filter(
        ({ sendId }) => Buffer.compare(sendId ?? new Uint8Array(), send.send.sendId ?? new Uint8Array()) === 0,
      );
    expect(results.filter(({ refused }) => refused?.code === 'superseded')).toHaveLength(2);
    expect(byId(first)).toMatchObject([accepted, accepted]);
    from.send(inLane(bob, randomBytes(8), 1), { send: rawSend({ to: bob.keys }) });
    expect(await from.take('sendResult', 2)).toMatchObject([accepted, accepted]);
    const to = await open(relay, bob);
    await to.next('queueEmpty');
    expect(to.kinds.filter((kind) => kind === 'deliver')).toHaveLength(3);
  });

  it('is superseded when a number is left out, and another lane is not', async () => {
    await using relay = await startRelay({ stores });
    const { alice, bob } = await pair(relay);
    const from = await open(relay, alice);
    const [lane, other] = [randomBytes(8), randomBytes(8)];
    from.send(
      inLane(bob, lane, 1),
      inLane(bob, lane, 3),
      inLane(bob, other, 1),
      inLane(bob, lane, 2),
      inLane(bob, other, 2),
    );
    const results = await from.take('sendResult', 5);
    expect(results.filter((result) => !result.refused)).toHaveLength(3);
    expect(results.filter((result) => result.refused)).toMatchObject([superseded, superseded]);
  });

  it('never accepts a small send after a large one that did not fit', async () => {
    await using relay = await startRelay({ stores, config: { mailbox: { quotaBytes: 50_000 } } });
    const { alice, bob } = await pair(relay);
    const from = await open(relay, alice);
    const lane = randomBytes(8);
    const sizes = [20_000, 20_000, 20_000, 100, 100];
    from.send(...sizes.map((size, at) => inLane(bob, lane, at + 1, { ciphertext: randomBytes(size) })));
    const results = await from.take('sendResult', 5);
    expect(results.filter((result) => result.recipients?.[0]?.status === 1)).toHaveLength(2);
    expect(results.filter((result) => result.recipients?.[0]?.status === 4)).toHaveLength(1);
    expect(results.filter((result) => result.refused)).toMatchObject([superseded, superseded]);
  });
});

function deviceOf(send: Send, change: object): Partial<Send> {
  const [recipient] = send.recipients ?? [];
  return {
    recipients: [{ ...recipient, devices: (recipient?.devices ?? []).map((device) => ({ ...device, ...change })) }],
  };
}
