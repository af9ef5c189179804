import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runningEngines } from '../../../test/engines.ts';
import { change, made } from '../../conformance/group-samples.ts';
import { listOf, someJoin } from '../../conformance/join-samples.ts';
import { roomy } from '../../conformance/mail-samples.ts';
import { someAccount, someBytes, someEnding, someList, someUser, start } from '../../conformance/samples.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import { deviceKeyOf } from '../../dispatch/device-key.ts';
import type { NewAccount } from '../../ports/account-store.ts';
import type { DeviceIncarnation } from '../../ports/device-incarnation.ts';
import type { DeviceId, LaneId, UserId } from '../../ports/ids.ts';
import { listedDevice } from '../../ports/listed-devices.ts';
import { RelayError } from '../../relay-error.ts';
import { openMailParts } from '../redis/mail-parts-harness.ts';
import { removeKeys } from '../redis/redis-harness.ts';
import type { CassandraDatabase } from './cassandra-database.ts';
import { TestKeyspace } from './cassandra-keyspace.ts';
import { cassandraStores } from './cassandra-stores.ts';

const minute = 60_000;
const lane = 'topic.0' as LaneId;

describe('what is forgotten with a device', () => {
  const { url } = runningEngines().redis;
  const prefix = `test-${randomUUID()}`;
  const clock = settableClock();
  let keyspace: TestKeyspace;
  let database: CassandraDatabase;
  let mail: Awaited<ReturnType<typeof openMailParts>>;
  let stores: ReturnType<typeof cassandraStores>;
  /** Comes before each time that the ledger forgets a device. */
  let beforeForget: () => Promise<void>;
  const codesOf: string[] = [];

  beforeAll(async () => {
    keyspace = await TestKeyspace.make();
    [database, mail] = await Promise.all([keyspace.open(), openMailParts(url, prefix)]);
    stores = cassandraStores(database, {
      clock,
      cleanUpWaitMs: 500,
      ledger: {
        async forget(device) {
          await beforeForget();
          await mail.ledger.forget(device);
        },
      },
      codes: { forgetNumber: async (mac) => void codesOf.push(Buffer.from(mac).toString('hex')) },
    });
  });
  afterAll(async () => {
    await Promise.all([database.close(), mail.database.close()]);
    await Promise.all([keyspace.drop(), removeKeys(url, prefix)]);
  });
  beforeEach(() => {
    clock.set(start);
    beforeForget = async () => undefined;
  });
  afterEach(async () => {
    clock.set(start + 10 * minute);
    beforeForget = async () => undefined;
    await stores.tokens.sweep(clock.now());
  });

  const down = () => Promise.reject(new RelayError('store-unavailable', 'Redis does not answer', { retryable: true }));

  async function device(userId: UserId, deviceId: number): Promise<DeviceIncarnation> {
    const found = listedDevice(await stores.listed.of(userId), { userId, deviceId: deviceId as DeviceId });
    if (found === undefined) throw new Error('it is not listed');
    return found;
  }

  /** Two devices, each with mail that waits. */
  async function registered(): Promise<{ account: NewAccount; devices: DeviceIncarnation[] }> {
    const account = someAccount();
    await stores.accounts.register(account);
    await stores.devices.join(someJoin(account));
    const devices = [await device(account.userId, 1), await device(account.userId, 2)];
    for (const each of devices) await give(each);
    return { account, devices };
  }

  async function give(to: DeviceIncarnation): Promise<void> {
    const row = { device: deviceKeyOf(to), lane, ko: 7, time: start, expiresAt: start + 60 * minute };
    await stores.pending.spill([{ ...row, envelope: someBytes(50) }], start);
    const entry = { device: to, entryId: someBytes(8), size: 50, stranger: false, acceptedAt: start };
    await mail.ledger.reserve([{ ...entry, expiresAt: start + 60 * minute }], roomy);
  }

  /** How much waits, how much of it is a row in Cassandra, and how much is counted. */
  async function heldBy(of: DeviceIncarnation): Promise<readonly number[]> {
    const { spans } = await stores.pending.view(deviceKeyOf(of));
    const day = Math.floor(start / 86_400_000);
    const cql = 'SELECT ko FROM pending WHERE device_id = ? AND day_bucket = ?';
    const rows = await database.rows(cql, [deviceKeyOf(of), day]);
    return [spans.length, rows.length, (await mail.ledger.usage(of)).count];
  }

  /** A list with the first device alone. */
  function alone(account: NewAccount, version: number) {
    return { ...listOf(account, version, []), devices: account.deviceList.devices };
  }

  it('a device that is taken off the list leaves nothing behind, the others keep what they have', async () => {
    const { account, devices } = await registered();
    const other = await registered();
    expect(await stores.accounts.replaceDeviceList(account.userId, alone(account, 3))).toBe('stored');
    expect(await Promise.all(devices.map(heldBy))).toEqual([
      [1, 1, 1],
      [0, 0, 0],
    ]);
    // A dispatcher that has read the list before: nobody gets it, and whoever has the address next is another one.
    const [, revoked] = devices;
    if (revoked !== undefined) await give(revoked);
    await stores.accounts.replaceDeviceList(account.userId, listOf(account, 4, [2]));
    expect(await heldBy(await device(account.userId, 2))).toEqual([0, 0, 0]);
    expect((await stores.pending.view(deviceKeyOf(await device(account.userId, 2)))).spans).toEqual([]);
    expect(await Promise.all(other.devices.map(heldBy))).toEqual([
      [1, 1, 1],
      [1, 1, 1],
    ]);
  });

  it('what one engine did not forget the next sweep does, and the change stands', async () => {
    const { account, devices } = await registered();
    beforeForget = down;
    expect(await stores.accounts.replaceDeviceList(account.userId, alone(account, 3))).toBe('stored');
    expect(await Promise.all(devices.map(heldBy))).toEqual([
      [1, 1, 1],
      [0, 0, 1],
    ]);
    clock.set(start + 2 * minute);
    await expect(stores.tokens.sweep(clock.now())).rejects.toThrow('Redis does not answer');
    beforeForget = async () => undefined;
    await stores.tokens.sweep(clock.now());
    expect(await Promise.all(devices.map(heldBy))).toEqual([
      [1, 1, 1],
      [0, 0, 0],
    ]);
    await stores.tokens.sweep(clock.now());
    expect((await device(account.userId, 1)).incarnation).toBe(devices[0]?.incarnation);
  });

  it('an account that is replaced while an engine is down is in no group, and all of it goes later', async () => {
    const { account, devices } = await registered();
    const other = await registered();
    const friend = someUser();
    const groupId = await made(stores.groups, [friend, account.userId]);
    beforeForget = down;
    const { numberMac } = account;
    expect((await stores.accounts.register(someAccount({ numberMac }))).status).toBe('registered');
    expect(await stores.groups.members(groupId)).toEqual([friend]);
    expect(await Promise.all(devices.map(heldBy))).toEqual([
      [0, 0, 1],
      [0, 0, 1],
    ]);
    beforeForget = async () => undefined;
    clock.set(start + 2 * minute);
    await stores.tokens.sweep(clock.now());
    expect(await Promise.all([...devices, ...other.devices].map(heldBy))).toEqual([
      [0, 0, 0],
      [0, 0, 0],
      [1, 1, 1],
      [1, 1, 1],
    ]);
    expect(await stores.listed.of(account.userId)).toEqual({ status: 'ended' });
    expect(await database.row('SELECT id FROM user WHERE id = ?', [account.userId])).toBe(undefined);
    expect(codesOf).not.toContain(Buffer.from(numberMac).toString('hex'));
  });

  it('an account that is taken back has nothing of what its devices had', async () => {
    const { account, devices } = await registered();
    const { userId, numberMac } = account;
    const groupId = await made(stores.groups, [userId, someUser()]);
    const back = { userId, numberMac, deviceList: { ...someList(3, [1]), rootKey: account.deviceList.rootKey } };
    expect(await stores.accounts.register(someAccount({ ...back, recovers: true }))).toEqual({ status: 'recovered' });
    expect(await Promise.all(devices.map(heldBy))).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
    expect(await heldBy(await device(userId, 1))).toEqual([0, 0, 0]);
    expect(await stores.groups.append(change(groupId, 2, userId))).toBe('appended');
  });

  it('an account that its owner ends takes the code of its number with it', async () => {
    const { account, devices } = await registered();
    const list = await stores.accounts.deviceList(account.userId);
    const ending = { ...someEnding(account), listHash: list?.hash ?? new Uint8Array() };
    expect(await stores.control.end(ending)).toBe('ended');
    expect(codesOf).toContain(Buffer.from(account.numberMac).toString('hex'));
    expect(await Promise.all(devices.map(heldBy))).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });

  it('an engine that never answers holds up no change of a list', async () => {
    const { account, devices } = await registered();
    let answer: () => void = () => undefined;
    beforeForget = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    expect(await stores.accounts.replaceDeviceList(account.userId, alone(account, 3))).toBe('stored');
    expect(await Promise.all(devices.map(heldBy))).toEqual([
      [1, 1, 1],
      [0, 0, 1],
    ]);
    answer();
  });
});
