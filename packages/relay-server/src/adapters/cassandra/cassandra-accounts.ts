import type { AccountControl } from '../../ports/account-control.ts';
import type { AccountStore } from '../../ports/account-store.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DeviceStore } from '../../ports/device-store.ts';
import type { ListedDevices } from '../../ports/listed-devices.ts';
import type { PrekeyStore } from '../../ports/prekey-store.ts';
import type { TokenStore } from '../../ports/token-store.ts';
import { AccessTokens } from './access-tokens.ts';
import { CassandraAccountControl } from './account-control.ts';
import { CassandraAccountStore } from './account-store.ts';
import type { CassandraDatabase } from './cassandra-database.ts';
import { Claims } from './claims.ts';
import { CleanUpList } from './clean-up-list.ts';
import { Cleaner } from './cleaner.ts';
import { DayRows } from './day-rows.ts';
import { DeviceEraser, type GoneHooks } from './device-eraser.ts';
import { CassandraDeviceStore } from './device-store.ts';
import { DueList } from './due-list.ts';
import { EndedTokens } from './ended-tokens.ts';
import { HandoverEffects } from './handover-effects.ts';
import { Handovers } from './handovers.ts';
import { Heard } from './heard.ts';
import { ListChanges } from './list-changes.ts';
import { CassandraListedDevices } from './listed-devices.ts';
import { PrekeyRows } from './prekey-rows.ts';
import { CassandraPrekeyStore } from './prekey-store.ts';
import { Registrations } from './registrations.ts';
import { TokenFamilies } from './token-families.ts';
import { CassandraTokenStore } from './token-store.ts';
import { Turns } from './turns.ts';
import { Users } from './users.ts';

/** What the stores of accounts need from outside. */
export interface CassandraAccountsOptions {
  /** Times of what is to be cleaned up, and of backstops. */
  readonly clock: Clock;
  /** What other adapters delete of devices and accounts that are gone. */
  readonly hooks?: Partial<GoneHooks>;
  /** Keeps the lists of several relays in one keyspace apart: empty by default, and never changed. */
  readonly realm?: string;
  /** How long somebody else's change of an account is waited for before it is aborted, in milliseconds; 10,000 by default. */
  readonly patienceMs?: number;
  /** How long a change waits for what is cleaned up after it, in milliseconds; 10,000 by default. An engine that does not answer holds up no registration for longer; what takes more goes on by itself. */
  readonly cleanUpWaitMs?: number;
}

/** The stores of accounts, which change together. */
export interface CassandraAccounts {
  readonly accounts: AccountStore;
  readonly control: AccountControl;
  readonly devices: DeviceStore;
  readonly prekeys: PrekeyStore;
  readonly tokens: TokenStore;
  readonly listed: ListedDevices;
  /** The rows of accounts, for adapters that hang something on devices. */
  readonly users: Users;
  /** Cleans up what changes have left, as `tokens.sweep` does too. */
  readonly cleaner: Cleaner;
}

/** Makes the stores of accounts on a database whose tables are there. */
export function cassandraAccounts(database: CassandraDatabase, options: CassandraAccountsOptions): CassandraAccounts {
  const { clock, hooks = {}, realm = '', patienceMs = 10_000, cleanUpWaitMs = 10_000 } = options;
  const turns = new Turns();
  const prekeyRows = new PrekeyRows(database);
  const families = new TokenFamilies(database, realm);
  const endedTokens = new EndedTokens(database, realm);
  const accessTokens = new AccessTokens(database, realm, clock);
  const days = new DayRows(database, realm);
  const heard = new Heard(database);
  const cleanUps = new CleanUpList(database, realm);
  const remains = new DueList(database, realm, { name: 'remains', slotMs: 86_400_000, shards: 4 });
  const eraser = new DeviceEraser(database, { prekeys: prekeyRows, families, endedTokens }, hooks);
  const handovers = new Handovers(database, new HandoverEffects(database, { cleanUps, remains }, eraser), patienceMs);
  const users = new Users(database, handovers);
  const claims = new Claims(database, users, handovers);
  const cleaner = new Cleaner({
    claims,
    database,
    users,
    handovers,
    prekeys: prekeyRows,
    eraser,
    heard,
    days,
    cleanUps,
    hooks,
    waitMs: cleanUpWaitMs,
  });
  const registrations = new Registrations({
    clock,
    users,
    handovers,
    claims,
    heard,
    prekeys: prekeyRows,
    families,
    eraser,
    cleanUps,
    cleaner,
  });
  const lists = new ListChanges({ database, clock, users, prekeys: prekeyRows, families, days, cleanUps, cleaner });
  return {
    accounts: new CassandraAccountStore({ turns, users, prekeys: prekeyRows, registrations, lists }),
    control: new CassandraAccountControl({ database, clock, turns, users, heard, handovers, cleaner, remains }),
    devices: new CassandraDeviceStore({ database, turns, users, days, lists }),
    prekeys: new CassandraPrekeyStore({ turns, users, prekeys: prekeyRows }),
    tokens: new CassandraTokenStore({ turns, users, heard, families, accessTokens, endedTokens, cleaner }),
    listed: new CassandraListedDevices(users),
    users,
    cleaner,
  };
}
