import { createHash, randomBytes } from 'node:crypto';
import { RecipientStatus } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import type { DeviceId, UserId } from '../src/ports/ids.ts';
import { call, open, type RawAccount, register } from './raw-client.ts';
import { type RawStream, rawSend } from './raw-stream.ts';
import { startRelay, storeKinds, type TestRelay } from './test-relay.ts';

const accepted = RecipientStatus.RECIPIENT_STATUS_ACCEPTED;
const limited = RecipientStatus.RECIPIENT_STATUS_RATE_LIMITED;
const tiny = new Uint8Array();
const full = RecipientStatus.RECIPIENT_STATUS_MAILBOX_FULL;

/** Gives an account an access key, as its clients do with the profile. */
async function giveAccessKey(relay: TestRelay, account: RawAccount): Promise<Uint8Array> {
  const accessKey = randomBytes(16);
  const device = { userId: account.keys.userId as UserId, deviceId: 1 as DeviceId };
  await relay.stores.accounts.putProfile(device, randomBytes(20), createHash('sha256').update(accessKey).digest());
  return accessKey;
}

/** Sends one message in no lane and gives what became of it. */
async function sendOne(from: RawStream, to: RawAccount, accessKey?: Uint8Array) {
  from.send({ send: rawSend({ to: to.keys, ...(accessKey && { accessKey }) }) });
  const { recipients, refused } = await from.next('sendResult');
  return { status: recipients?.[0]?.status, retryAfterMs: recipients?.[0]?.retryAfterMs, refused };
}

describe.each(storeKinds)('limits of sends on %s stores', (stores) => {
  it('a stranger has its burst, then one a second; a contact far more [security: mailbox-flood]', async () => {
    await using relay = await startRelay({ stores, config: { limits: { sendsToContact: { burst: 100 } } } });
    const [alice, bob] = [await register(relay, '+14155550101'), await register(relay, '+14155550102')];
    const accessKey = await giveAccessKey(relay, bob);
    const from = await open(relay, alice);
    for (let sent = 0; sent < 60; sent++) expect((await sendOne(from, bob)).status).toBe(accepted);
    expect(await sendOne(from, bob)).toMatchObject({ status: limited, retryAfterMs: 1_000 });
    // A wrong key is no error, and makes no contact.
    expect(await sendOne(from, bob, randomBytes(16))).toMatchObject({ status: limited });
    for (let sent = 0; sent < 100; sent++) expect((await sendOne(from, bob, accessKey)).status).toBe(accepted);
    expect(await sendOne(from, bob, accessKey)).toMatchObject({ status: limited, retryAfterMs: 10 });
    relay.time.jump(1_000);
    expect((await sendOne(from, bob)).status).toBe(accepted);
    expect((await sendOne(from, bob)).status).toBe(limited);
    expect(
      (await relay.stores.mailbox.usage({ userId: bob.keys.userId as UserId, deviceId: bob.body.deviceId as never }))
        .count,
    ).toBe(161);
  });

  it('what is limited breaks its lane, so that order holds, and is accepted in a new one after the time given', async () => {
    await using relay = await startRelay({ stores, config: { limits: { sendsToStranger: { burst: 2 } } } });
    const [alice, bob] = [await register(relay, '+14155550101'), await register(relay, '+14155550102')];
    const from = await open(relay, alice);
    const lane = randomBytes(8);
    const sends = [1, 2, 3, 4].map((laneNo) => rawSend({ to: bob.keys, lane, laneNo }));
    from.send(...sends.map((send) => ({ send })));
    const results = await from.take('sendResult', 4);
    const outcomes = new Map(
      results.map(({ sendId, recipients, refused }) => [
        Buffer.from(sendId ?? []).toString('hex'),
        refused?.code ?? recipients?.[0]?.status,
      ]),
    );
    const outcomeOf = ({ sendId }: { sendId?: Uint8Array | null }) =>
      outcomes.get(Buffer.from(sendId ?? []).toString('hex'));
    expect(sends.map(outcomeOf)).toEqual([accepted, accepted, limited, 'superseded']);
    relay.time.jump(1_000);
    const [, second, third] = sends;
    from.send({ send: { ...third, lane: randomBytes(8), laneNo: 1 } });
    expect((await from.next('sendResult')).recipients?.[0]?.status).toBe(accepted);
    // What was accepted stays accepted, whatever the bucket holds.
    from.send({ send: { ...second, lane: new Uint8Array(), laneNo: 0 } });
    expect((await from.next('sendResult')).recipients?.[0]?.status).toBe(accepted);
  });

  it('one recipient that is limited leaves the others of the Send alone', async () => {
    await using relay = await startRelay({ stores, config: { limits: { sendsToStranger: { burst: 1 } } } });
    const [alice, bob, carol] = [
      await register(relay, '+14155550101'),
      await register(relay, '+14155550102'),
      await register(relay, '+14155550103'),
    ];
    const from = await open(relay, alice);
    await sendOne(from, bob);
    const both = [bob, carol].flatMap(({ keys }) => rawSend({ to: keys }).recipients ?? []);
    from.send({ send: { ...rawSend({ to: bob.keys }), recipients: both } });
    const { recipients } = await from.next('sendResult');
    expect(recipients?.map(({ status }) => status)).toEqual([limited, accepted]);
  });

  it('a device sends only so much, whoever to: refused whole, with the time to wait [security: mailbox-flood]', async () => {
    await using relay = await startRelay({
      stores,
      config: { limits: { sendsPerDevice: { burst: 3, refillMs: 50 } } },
    });
    const alice = await register(relay, '+14155550101');
    const others = [await register(relay, '+14155550102'), await register(relay, '+14155550103')];
    const from = await open(relay, alice);
    for (const to of [0, 1, 0]) expect((await sendOne(from, others[to] ?? alice)).status).toBe(accepted);
    const { refused } = await sendOne(from, others[1] ?? alice);
    expect(refused).toMatchObject({ code: 'rate-limited', retryable: true, retryAfterMs: 50 });
    // Another connection of the device has no bucket of its own.
    await from.close();
    const again = await open(relay, alice);
    expect((await sendOne(again, others[1] ?? alice)).refused?.code).toBe('rate-limited');
    relay.time.jump(50);
    expect((await sendOne(again, others[1] ?? alice)).status).toBe(accepted);
    const metrics = await call<string>(relay, 'GET', '/metrics');
    expect(metrics.body).toContain('relay_sends_refused_rate_limited_total 2');
  });

  it('strangers fill their share of a mailbox: a contact finds room, nothing is trimmed [security: mailbox-flood]', async () => {
    await using relay = await startRelay({
      stores,
      config: { mailbox: { strangerQuotaCount: 5 }, limits: { sendsToStranger: { burst: 0 } } },
    });
    const [alice, mallory, bob] = [
      await register(relay, '+14155550101'),
      await register(relay, '+14155550102'),
      await register(relay, '+14155550103'),
    ];
    const accessKey = await giveAccessKey(relay, bob);
    const [contact, stranger] = [await open(relay, alice), await open(relay, mallory)];
    const flood = Array.from({ length: 40 }, () => rawSend({ to: bob.keys }));
    stranger.send(...flood.map((send) => ({ send })));
    const results = await stranger.take('sendResult', 40);
    const statuses = results.map(({ recipients }) => recipients?.[0]?.status);
    expect([accepted, full].map((status) => statuses.filter((each) => each === status).length)).toEqual([5, 35]);
    expect((await sendOne(contact, bob)).status).toBe(full);
    expect((await sendOne(contact, bob, accessKey)).status).toBe(accepted);
    const to = await open(relay, bob);
    expect(await to.take('deliver', 6)).toHaveLength(6);
    await to.next('queueEmpty');
  });

  it('to the own account there are no strangers', async () => {
    await using relay = await startRelay({ stores, config: { limits: { sendsToStranger: { burst: 1 } } } });
    const alice = await register(relay, '+14155550101');
    const from = await open(relay, alice);
    for (let sent = 0; sent < 5; sent++) expect((await sendOne(from, alice)).status).toBe(accepted);
  });
});

describe('sends that a relay can decide only later', () => {
  /** A relay that does not get to know the devices of one account before `release`. */
  async function slowRelay() {
    const held: { user?: UserId } = {};
    const gate = Promise.withResolvers<void>();
    const relay = await startRelay({
      config: { limits: { sendsToStranger: { burst: 2 }, sendsPerDevice: { burst: 3, refillMs: 900 } } },
      wrapStores: (real) => ({
        ...real,
        accounts: new Proxy(real.accounts, {
          get(accounts, name) {
            const value: unknown = Reflect.get(accounts, name, accounts);
            if (typeof value !== 'function') return value;
            return async (...given: unknown[]) => {
              if (name === 'deviceList' && held.user !== undefined && given[0] === held.user) await gate.promise;
              return value.apply(accounts, given) as unknown;
            };
          },
        }),
      }),
    });
    const [alice, bob] = [await register(relay, '+14155550101'), await register(relay, '+14155550102')];
    const from = await open(relay, alice);
    await from.settled();
    held.user = bob.keys.userId as UserId;
    const lane = randomBytes(8);
    const sends = Array.from({ length: 6 }, (_, at) => rawSend({ to: bob.keys, lane, laneNo: at + 1 }));
    const outcomes = async () => {
      gate.resolve();
      const results = await from.take('sendResult', sends.length);
      return sends.map(({ sendId }) => {
        const result = results.find((each) => Buffer.compare(each.sendId ?? tiny, sendId ?? tiny) === 0);
        return result?.refused?.code ?? result?.recipients?.[0]?.status;
      });
    };
    return { relay, from, sends, outcomes };
  }

  it('count by when they came: none is refused to whoever keeps the pace', async () => {
    const { relay, from, sends, outcomes } = await slowRelay();
    await using _ = relay;
    for (const send of sends) {
      from.send({ send });
      await from.settled();
      relay.time.jump(1_000);
    }
    expect(await outcomes()).toEqual(sends.map(() => accepted));
  });

  it('are refused when they came too fast, though it would not be too fast by now', async () => {
    const { relay, from, sends, outcomes } = await slowRelay();
    await using _ = relay;
    from.send(...sends.map((send) => ({ send })));
    await from.settled();
    relay.time.jump(60_000);
    const refused = ['rate-limited', 'rate-limited', 'rate-limited'];
    expect(await outcomes()).toEqual([accepted, accepted, limited, ...refused]);
    const again = { ...sends[2], lane: randomBytes(8), laneNo: 1 };
    from.send({ send: again });
    expect((await from.next('sendResult')).recipients?.[0]?.status).toBe(accepted);
  });
});

it('tells a client how fast it may send', async () => {
  await using relay = await startRelay({ config: { limits: { sendsToStranger: { burst: 0 } } } });
  const stream = await open(relay, await register(relay, '+14155550101'));
  expect(stream.greeting).toMatchObject({
    sendBurst: 600,
    sendsPerSecond: 100,
    strangerBurst: 0,
    strangerSendsPerSecond: 0,
    deviceBurst: 2_000,
    deviceSendsPerSecond: 500,
  });
});

it('refuses an access key of another length', async () => {
  await using relay = await startRelay();
  const [alice, bob] = [await register(relay, '+14155550101'), await register(relay, '+14155550102')];
  const from = await open(relay, alice);
  expect((await sendOne(from, bob, randomBytes(17))).refused).toMatchObject({ code: 'send-malformed' });
});
