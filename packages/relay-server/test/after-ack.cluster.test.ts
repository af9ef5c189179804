import { randomBytes } from 'node:crypto';
import { type ClientFrameFields, Envelope, uuidToBytes } from '@sotto/proto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Found } from './engine-contents.ts';
import { open, type RawAccount, register } from './raw-client.ts';
import { makeGroup } from './raw-group.ts';
import { type RawStream, rawSend } from './raw-stream.ts';
import { RunningCluster } from './running-cluster.ts';

let cluster: RunningCluster;
let alice: RawAccount;
let bob: RawAccount;
let carol: RawAccount;
let from: RawStream;

beforeAll(async () => {
  cluster = await RunningCluster.start();
  const [first, second] = cluster.pair;
  alice = await register(first, '+14155550101');
  bob = await register(second, '+14155550102');
  carol = await register(second, '+14155550103');
  from = await open(first, alice);
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

/** In which engine the bytes stand, by the names of topics and tables; Redis and S3 have them at no time. */
function placesOf(bytes: Uint8Array, found: readonly Found[]): readonly string[] {
  const places = found.filter((one) => Buffer.from(one.bytes).includes(Buffer.from(bytes))).map(({ name }) => name);
  return [...new Set(places.map((name) => name.replace(/^.*\.(\w+)\/\d+\/\d+$/, '$1')))].sort();
}

/** Sends; all accept. */
async function sent(send: NonNullable<ClientFrameFields['send']>): Promise<void> {
  from.send({ send });
  const { refused, recipients } = await from.next('sendResult');
  expect([refused?.code, ...(recipients ?? []).map(({ status }) => status)]).toEqual([
    undefined,
    ...(send.recipients ?? []).map(() => 1),
  ]);
}

/** Takes the delivery that carries these bytes. */
async function received(stream: RawStream, bytes: Uint8Array): Promise<Uint8Array> {
  for (;;) {
    const { deliveryId, envelope } = await stream.next('deliver');
    const { ciphertext } = Envelope.decode(envelope ?? new Uint8Array());
    if (Buffer.compare(ciphertext ?? new Uint8Array(), bytes) === 0) return deliveryId ?? new Uint8Array();
  }
}

/** Looks again and again until it is so. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  let so = await isSo();
  while (!so) so = await isSo();
}

/** Waits until no engine has anything of it; says how long that took. */
async function untilGone(bytes: Uint8Array, how: string): Promise<void> {
  const began = performance.now();
  const seconds = () => ((performance.now() - began) / 1_000).toFixed(1);
  await until(async () => placesOf(bytes, await cluster.contents.rows()).length === 0);
  const rows = seconds();
  await until(async () => !(await cluster.contents.hasRecords()));
  console.log(`${how}: after its last ack no SELECT found it after ${rows} s, no fetch after ${seconds()} s`);
  expect(placesOf(bytes, await cluster.contents.everything())).toEqual([]);
}

describe('P4 after its ack no interface of an engine has anything of a message', () => {
  it('that went live: it was in Kafka alone', async () => {
    const [, second] = cluster.pair;
    const ciphertext = randomBytes(64);
    const to = await open(second, bob);
    await to.next('queueEmpty');
    await sent(rawSend({ to: bob.keys, ciphertext }));
    const deliveryId = await received(to, ciphertext);
    expect(placesOf(ciphertext, await cluster.contents.everything())).toEqual(['user2user_message']);
    to.send({ ack: { deliveryIds: [deliveryId] } });
    await to.settled();
    await untilGone(ciphertext, 'live');
    await to.close();
  });

  it('that was spilled: it waited in Cassandra', async () => {
    const [, second] = cluster.pair;
    const ciphertext = randomBytes(64);
    await sent(rawSend({ to: bob.keys, ciphertext }));
    await until(async () => placesOf(ciphertext, await cluster.contents.rows()).includes('pending'));
    const to = await open(second, bob);
    const deliveryId = await received(to, ciphertext);
    expect(placesOf(ciphertext, await cluster.contents.rows())).toEqual(['pending']);
    to.send({ ack: { deliveryIds: [deliveryId] } });
    await to.settled();
    await untilGone(ciphertext, 'spilled');
    await to.close();
  });

  it('of a group, some of whose members were away', async () => {
    const [first, second] = cluster.pair;
    const sharedCiphertext = randomBytes(64);
    const groupId = await makeGroup(first, [alice, bob, carol]);
    const toBob = await open(second, bob);
    await toBob.next('queueEmpty');
    await sent({
      sendId: randomBytes(16),
      messageId: randomBytes(16),
      attempt: 1,
      suite: 1,
      groupId,
      groupEpoch: 7,
      sharedCiphertext,
      recipients: [bob, carol].map(({ keys }) => ({
        userId: uuidToBytes(keys.userId),
        deviceListVersion: 1,
        devices: [{ deviceId: 1, registrationId: keys.registrationId, kind: 3 }],
      })),
    });
    const deliveryId = await received(toBob, sharedCiphertext);
    toBob.send({ ack: { deliveryIds: [deliveryId] } });
    await toBob.settled();
    await until(async () => placesOf(sharedCiphertext, await cluster.contents.rows()).includes('pending'));
    const toCarol = await open(second, carol);
    const hers = await received(toCarol, sharedCiphertext);
    toCarol.send({ ack: { deliveryIds: [hers] } });
    await toCarol.settled();
    await untilGone(sharedCiphertext, 'of a group');
    await Promise.all([toBob.close(), toCarol.close()]);
  });
});
