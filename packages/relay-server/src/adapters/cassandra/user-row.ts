import { randomUUID } from 'node:crypto';
import type { ListedDevice, StoredDeviceList } from '../../ports/account-store.ts';
import type { UserId } from '../../ports/ids.ts';
import type { TokenEnd } from '../../ports/token-store.ts';
import type { KeptLock } from '../lock-verdict.ts';
import type { CqlRow, CqlValue } from './cassandra-database.ts';

/** A device as the row of its account has it. */
export interface DeviceEntry {
  readonly registrationId: number;
  /** Under which all that hangs on the device is kept; another registration has another one. */
  readonly incarnation: string;
  readonly isIdle: boolean;
  /** Had no prekeys when the identity key changed; whether it has some now is known by its prekeys. */
  readonly isKeyless: boolean;
}

/** A device that was taken off the list, and why. */
export interface FormerEntry {
  readonly deviceId: number;
  readonly reason: TokenEnd;
}

/** A row of `user` but for the profile. */
export interface UserRow {
  readonly userId: UserId;
  /** `coming`: of a registration that is not decided yet. */
  readonly state: 'coming' | 'live' | 'ended';
  /** Another one after each change. */
  readonly stamp: string;
  /** The handover that may change this row. */
  readonly handover: string | undefined;
  readonly numberMac: Uint8Array;
  readonly numberCiphertext: Uint8Array;
  /** Its devices are in `devices`. */
  readonly list: Omit<StoredDeviceList, 'devices'>;
  readonly devices: ReadonlyMap<number, DeviceEntry>;
  /** Incarnations that were taken off the list and are not cleaned up yet. */
  readonly former: ReadonlyMap<string, FormerEntry>;
  /** Under which the prekeys are kept that the account's identity key has signed. */
  readonly keyEpoch: string;
  /** Under which the days are kept on which its devices were seen. */
  readonly daysKey: string;
  readonly accessKeyHash: Uint8Array | undefined;
  readonly lock: KeptLock | undefined;
  readonly idempotencyKey: Uint8Array;
  readonly requestHash: Uint8Array;
  readonly createdAt: number;
  readonly endReason: TokenEnd | undefined;
  readonly endedAt: number | undefined;
}

/** Columns of `user` with the values that they are to have. */
export type UserChange = { readonly [column: string]: CqlValue };

/** What is read of a row. */
export const userColumns = `id, state, stamp, handover, number_mac, number_ciphertext, list_version, list_signed, list_hash,
  root_key, identity_key, devices, former, key_epoch, days_key, access_key_hash, lock_salt, lock_mac, lock_tries,
  lock_wait_until, idempotency_key, request_hash, created_at, end_reason, ended_at`;

interface StoredEntry {
  readonly registration_id: number;
  readonly incarnation: unknown;
  readonly is_idle: boolean;
  readonly is_keyless: boolean;
}

/** A row as it was read. */
export function userRowOf(row: CqlRow): UserRow {
  const former = (row.former ?? new Map()) as Map<unknown, string>;
  return {
    userId: String(row.id) as UserId,
    state: row.state as UserRow['state'],
    stamp: String(row.stamp),
    handover: row.handover === null ? undefined : String(row.handover),
    numberMac: bytes(row.number_mac),
    numberCiphertext: bytes(row.number_ciphertext),
    list: {
      version: Number(row.list_version),
      signed: bytes(row.list_signed),
      hash: bytes(row.list_hash),
      rootKey: bytes(row.root_key),
      identityKey: bytes(row.identity_key),
    },
    devices: devicesOf(row.devices),
    former: new Map([...former].map(([incarnation, entry]) => [String(incarnation), formerEntry(entry)])),
    keyEpoch: String(row.key_epoch),
    daysKey: String(row.days_key),
    accessKeyHash: (row.access_key_hash as Uint8Array | null) ?? undefined,
    lock: lockOf(row),
    idempotencyKey: bytes(row.idempotency_key),
    requestHash: bytes(row.request_hash),
    createdAt: (row.created_at as Date | null)?.getTime() ?? 0,
    endReason: (row.end_reason as TokenEnd | null) ?? undefined,
    endedAt: (row.ended_at as Date | null)?.getTime(),
  };
}

/** The column of devices as it was read. */
export function devicesOf(value: unknown): ReadonlyMap<number, DeviceEntry> {
  const devices = (value ?? new Map()) as Map<number, StoredEntry>;
  return new Map(
    [...devices].map(([deviceId, entry]) => [
      deviceId,
      {
        registrationId: entry.registration_id,
        incarnation: String(entry.incarnation),
        isIdle: entry.is_idle,
        isKeyless: entry.is_keyless,
      },
    ]),
  );
}

/** What the row of an account has of its list, but for the devices. */
export function listChange(list: StoredDeviceList): UserChange {
  return {
    list_version: list.version,
    list_signed: list.signed,
    list_hash: list.hash,
    root_key: list.rootKey,
    identity_key: list.identityKey,
  };
}

/** Devices as they are written. */
export function devicesValue(devices: ReadonlyMap<number, DeviceEntry>): CqlValue {
  return new Map(
    [...devices].map(([deviceId, { registrationId, incarnation, isIdle, isKeyless }]) => [
      deviceId,
      { registration_id: registrationId, incarnation, is_idle: isIdle, is_keyless: isKeyless },
    ]),
  );
}

/** Former devices as they are written. */
export function formerValue(former: ReadonlyMap<string, FormerEntry>): CqlValue {
  return new Map([...former].map(([incarnation, { reason, deviceId }]) => [incarnation, `${reason}.${deviceId}`]));
}

/** How a list is changed. */
export interface ListChangeKind {
  /** It has another identity key. */
  readonly isRotated: boolean;
  /** Why devices are gone; all are when the account is `replaced`. */
  readonly reason: 'revoked' | 'replaced';
  /** The device that joins, which is a new one even if its address and registration were listed. */
  readonly joining?: number;
}

/** What a new list makes of an account's devices. */
export interface NextDevices {
  readonly devices: ReadonlyMap<number, DeviceEntry>;
  readonly former: ReadonlyMap<string, FormerEntry>;
  /** Devices that were listed and are no more, or under another registration. */
  readonly gone: readonly FormerDevice[];
  readonly keyEpoch: string;
  readonly daysKey: string;
}

/** A device that was listed once. */
export interface FormerDevice {
  readonly deviceId: number;
  readonly incarnation: string;
}

/**
 * What a list makes of the devices: who leaves it, or comes back under another registration, gets another incarnation, and so does everybody when `reason` is that the account is taken over.
 *
 * Under another identity key all are keyless, and their prekeys out of reach. Whoever comes to be the primary is not idle, and the days of a device that is alone are out of reach.
 */
export function nextDevices(
  row: UserRow,
  listed: readonly ListedDevice[],
  { isRotated, reason, joining }: ListChangeKind,
): NextDevices {
  const devices = new Map<number, DeviceEntry>();
  const primary = Math.min(...listed.map(({ deviceId }) => deviceId));
  for (const { deviceId, registrationId } of listed) {
    const before = row.devices.get(deviceId);
    const stays = before?.registrationId === registrationId && reason === 'revoked' && deviceId !== joining;
    devices.set(deviceId, {
      registrationId,
      incarnation: stays ? before.incarnation : randomUUID(),
      isIdle: stays && before.isIdle && deviceId !== primary,
      isKeyless: isRotated || (stays && before.isKeyless),
    });
  }
  const gone = [...row.devices]
    .map(([deviceId, { incarnation }]) => ({ deviceId, incarnation }))
    .filter(({ deviceId, incarnation }) => devices.get(deviceId)?.incarnation !== incarnation);
  return {
    devices,
    former: new Map([
      ...row.former,
      ...gone.map(({ deviceId, incarnation }) => [incarnation, { deviceId, reason }] as const),
    ]),
    gone,
    keyEpoch: isRotated ? randomUUID() : row.keyEpoch,
    daysKey: listed.length === 1 ? randomUUID() : row.daysKey,
  };
}

/** Devices by id. */
export function byDeviceId<Value>(devices: ReadonlyMap<number, Value>): [number, Value][] {
  return [...devices].sort(([one], [other]) => one - other);
}

function formerEntry(entry: string): FormerEntry {
  const [reason, deviceId] = entry.split('.');
  return { reason: reason as TokenEnd, deviceId: Number(deviceId) };
}

function lockOf(row: CqlRow): KeptLock | undefined {
  if (row.lock_salt === null || row.lock_mac === null) return undefined;
  return {
    salt: bytes(row.lock_salt),
    secretMac: bytes(row.lock_mac),
    tries: Number(row.lock_tries ?? 0),
    waitUntil: (row.lock_wait_until as Date | null)?.getTime() ?? 0,
  };
}

function bytes(value: unknown): Uint8Array {
  return (value ?? new Uint8Array()) as Uint8Array;
}
