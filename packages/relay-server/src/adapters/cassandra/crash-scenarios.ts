import { expect } from 'vitest';
import { hex } from '../../conformance/harness.ts';
import {
  ecPrekey,
  ownerOf,
  signedPrekey,
  someAccount,
  someBytes,
  someDevice,
  someEnding,
  someList,
  someNumber,
  start,
} from '../../conformance/samples.ts';
import type { NewAccount } from '../../ports/account-store.ts';
import type { DeviceAddress } from '../../ports/ids.ts';
import type { CassandraAccounts } from './cassandra-accounts.ts';
import type { CassandraDatabase } from './cassandra-database.ts';

/** Milliseconds. */
export const hour = 3_600_000;

/** A change that is stopped, with all that may be seen of it. */
export interface Scenario {
  /** What it gives when it is made the first time, and when it had been made. */
  readonly first: unknown;
  readonly again: unknown;
  /** Brings the stores to where the change begins; gives the change and who is concerned. */
  prepare(stores: CassandraAccounts): Promise<{
    readonly change: (stores: CassandraAccounts) => Promise<unknown>;
    readonly accounts: readonly NewAccount[];
    readonly devices: readonly DeviceAddress[];
    readonly numbers?: readonly NewAccount['numberMac'][];
    readonly joins?: readonly Uint8Array[];
    readonly receipts?: readonly Uint8Array[];
    readonly access?: readonly Uint8Array[];
    /** A refresh token that is a device's current one when the change was made. */
    readonly refresh?: Uint8Array;
  }>;
}

async function registered(stores: CassandraAccounts, account = someAccount()): Promise<NewAccount> {
  expect((await stores.accounts.register(account)).status).toBe('registered');
  return account;
}

/** A session of an account's first device. */
async function sessionOf({ tokens }: CassandraAccounts, { device }: NewAccount): Promise<Uint8Array> {
  const access = someBytes(32);
  await tokens.grant(device, access, start + hour);
  return access;
}

function joinOf(account: NewAccount) {
  const { devices, identityKey, rootKey } = account.deviceList;
  const added = someList(2, [2]);
  return {
    idempotencyKey: someBytes(16),
    requestHash: someBytes(32),
    device: someDevice(2, account.userId),
    deviceList: { ...added, devices: [...devices, ...added.devices], identityKey, rootKey },
    prekeys: { signedPrekey: signedPrekey(1), lastResortKyberPrekey: signedPrekey(1), prekeys: [ecPrekey(1)] },
    refreshTokenHash: someBytes(32),
    now: start,
  };
}

/** The changes that a crash may hurt. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  'a registration of a free number': {
    first: { status: 'registered', replaced: undefined },
    again: { status: 'repeated' },
    async prepare() {
      const account = someAccount();
      const change = ({ accounts }: CassandraAccounts) => accounts.register(account);
      return { change, accounts: [account], devices: [account.device], refresh: account.refreshTokenHash };
    },
  },
  'a registration over an account': {
    first: 'registered',
    again: 'repeated',
    async prepare(stores) {
      const old = await registered(stores);
      const access = [await sessionOf(stores, old)];
      const next = someAccount({ numberMac: old.numberMac });
      const change = async ({ accounts }: CassandraAccounts) => (await accounts.register(next)).status;
      const refresh = next.refreshTokenHash;
      return { change, accounts: [old, next], devices: [old.device, next.device], access, refresh };
    },
  },
  'a recovery': {
    first: { status: 'recovered' },
    again: { status: 'repeated' },
    async prepare(stores) {
      const old = await registered(stores);
      const access = [await sessionOf(stores, old)];
      const { userId, numberMac } = old;
      const device = someDevice(2, userId);
      const next = someAccount({ userId, numberMac, deviceList: someList(2, [2]), device, recovers: true });
      const change = ({ accounts }: CassandraAccounts) => accounts.register(next);
      return { change, accounts: [old], devices: [old.device, device], access, refresh: next.refreshTokenHash };
    },
  },
  'a list with another identity key and without a device': {
    first: 'stored',
    again: 'conflict',
    async prepare(stores) {
      const account = await registered(stores);
      const join = joinOf(account);
      expect(await stores.devices.join(join)).toBe('joined');
      const access = [await sessionOf(stores, account)];
      const list = { ...someList(3, []), devices: account.deviceList.devices };
      const renewed = { signedPrekey: signedPrekey(7), lastResortKyberPrekey: signedPrekey(8), prekeys: [ecPrekey(9)] };
      const renewal = { deviceId: 1, prekeys: renewed };
      return {
        change: ({ accounts }) => accounts.replaceDeviceList(account.userId, list, renewal),
        accounts: [account],
        devices: [account.device, join.device],
        joins: [join.idempotencyKey],
        access,
        refresh: account.refreshTokenHash,
      };
    },
  },
  'a join': {
    first: 'joined',
    again: 'repeated',
    async prepare(stores) {
      const account = await registered(stores);
      const join = joinOf(account);
      return {
        change: ({ devices }) => devices.join(join),
        accounts: [account],
        devices: [account.device, join.device],
        joins: [join.idempotencyKey],
        refresh: join.refreshTokenHash,
      };
    },
  },
  'a move to a number that somebody has': {
    first: 'moved',
    again: 'moved',
    async prepare(stores) {
      const [mover, holder] = [await registered(stores), await registered(stores)];
      const access = [await sessionOf(stores, mover), await sessionOf(stores, holder)];
      const { numberMac, lock } = holder;
      const move = { ...ownerOf(mover), numberMac, numberCiphertext: someBytes(48), lock };
      return {
        change: async ({ control }) => (await control.moveNumber(move)).status,
        accounts: [mover, holder],
        devices: [mover.device, holder.device],
        access,
        refresh: mover.refreshTokenHash,
      };
    },
  },
  'a move to a free number': {
    first: 'moved',
    again: 'moved',
    async prepare(stores) {
      const mover = await registered(stores);
      const numberMac = someNumber();
      const move = { ...ownerOf(mover), numberMac, numberCiphertext: someBytes(48), lock: mover.lock };
      return {
        change: async ({ control }) => (await control.moveNumber(move)).status,
        accounts: [mover],
        devices: [mover.device],
        numbers: [numberMac],
        refresh: mover.refreshTokenHash,
      };
    },
  },
  'an end': {
    first: 'ended',
    again: 'unknown',
    async prepare(stores) {
      const account = await registered(stores);
      const access = [await sessionOf(stores, account)];
      const ending = someEnding(account);
      return {
        change: ({ control }) => control.end(ending),
        accounts: [account],
        devices: [account.device],
        receipts: [ending.receipt],
        access,
      };
    },
  },
  'a rotation': {
    first: 'rotated',
    again: 'repeated',
    async prepare(stores) {
      const account = await registered(stores);
      const [next, access] = [someBytes(32), someBytes(32)];
      const refresh = account.refreshTokenHash;
      const rotation = { refresh, next, access, accessExpiresAt: start + hour, now: start };
      return {
        change: async ({ tokens }) => (await tokens.rotate(rotation)).status,
        accounts: [account],
        devices: [account.device],
        refresh: next,
      };
    },
  },
};

/** What a scenario has brought about. */
export type Prepared = Awaited<ReturnType<Scenario['prepare']>>;

/** All that anybody can see of it, without changing it. */
export async function seen(stores: CassandraAccounts, prepared: Prepared): Promise<unknown> {
  const { accounts, control, devices, prekeys, tokens } = stores;
  const macs = [...prepared.accounts.map(({ numberMac }) => numberMac), ...(prepared.numbers ?? [])];
  return {
    numbers: await accounts.byNumbers(macs),
    accounts: await Promise.all(
      prepared.accounts.map(async ({ userId }) => {
        const list = await accounts.deviceList(userId);
        const standing = await control.standing(userId);
        return [
          list && [list.version, hex(list.hash), hex(list.identityKey), list.devices],
          hex(await accounts.profile(userId)),
          hex(await accounts.accessKeyHash(userId)),
          standing && [hex(standing.numberCiphertext), standing.isLocked],
          (await devices.sightings(userId)).length,
        ];
      }),
    ),
    left: await Promise.all(prepared.devices.map((device) => prekeys.left(device))),
    sessions: await Promise.all(
      (prepared.access ?? []).map(async (access) => (await tokens.session(access, start))?.device),
    ),
    joins: await Promise.all((prepared.joins ?? []).map(async (key) => (await devices.joined(key))?.device)),
    receipts: await Promise.all((prepared.receipts ?? []).map((receipt) => control.hasEnded(receipt))),
  };
}

/** The first sweep finishes what is under way, the second erases what has ended by that. */
export async function cleanUp({ cleaner }: CassandraAccounts): Promise<void> {
  for (const _ of [1, 2]) await cleaner.sweep(start + 3 * hour);
}

/** Nothing is left in a keyspace that nobody reaches: no mark, no row that is not decided, no prekeys and tokens of a device that nobody lists. */
export async function expectNothingLeft(database: CassandraDatabase): Promise<void> {
  const rows = async (cql: string) => (await database.rows(cql)).map((row) => JSON.stringify(row));
  const users = await database.rows<{
    state: string;
    handover: unknown;
    devices: Map<number, { incarnation: unknown }>;
  }>('SELECT state, handover, devices FROM user');
  expect(users.filter(({ state, handover }) => state !== 'live' || handover !== null)).toEqual([]);
  expect(await rows('SELECT * FROM handover')).toEqual([]);
  const listed = new Set(
    users.flatMap(({ devices }) => [...devices.values()].map(({ incarnation }) => String(incarnation))),
  );
  for (const table of ['prekey', 'token_family']) {
    const column = table === 'prekey' ? 'version' : 'current';
    const partitions = await database.rows(`SELECT DISTINCT incarnation, ${column} FROM ${table}`);
    const left = partitions.filter((row) => row[column] !== null && !listed.has(String(row.incarnation)));
    expect([table, left.length]).toEqual([table, 0]);
  }
  expect((await rows('SELECT user_id FROM user_by_number')).length).toBe(users.length);
  expect((await rows('SELECT user_id FROM registration')).length).toBe(users.length);
  const due = await database.rows<{ list: string; item: string }>('SELECT list, item FROM due');
  expect(due.filter(({ list }) => list.endsWith('/clean-up'))).toEqual([]);
}
