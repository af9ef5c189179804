import { randomUUID } from 'node:crypto';
import type { StoredDeviceList } from '../../ports/account-store.ts';
import type { DeviceAddress, DeviceId, UserId } from '../../ports/ids.ts';
import type { MailResult } from '../../ports/mailbox.ts';
import type { EcPrekey, SignedPrekey } from '../../ports/prekey-store.ts';
import type { LockAttempt, LockRefusal } from '../../ports/registration-lock.ts';
import type { Session, TokenEnd } from '../../ports/token-store.ts';
import type { Verification } from '../../ports/verification-store.ts';
import { type KeptLock, lockVerdict } from '../lock-verdict.ts';
import type { GroupAvatarRecord } from './group-avatars.ts';
import { type GroupState, leaveGroups } from './group-state.ts';

/** An account as it is kept. */
export interface AccountRecord {
  numberKey: string;
  numberCiphertext: Uint8Array;
  idempotencyKey: string;
  requestHash: string;
  readonly createdAt: number;
  /** When a device of it was heard of last. */
  heardAt: number;
  lock: KeptLock | undefined;
  deviceList: StoredDeviceList;
  profile: Uint8Array;
  accessKeyHash: Uint8Array | undefined;
}

/** One kind of one-time keys of a device. */
export interface OneTimeKeys<Key extends EcPrekey> {
  readonly left: Map<number, Key>;
  /** Ids that were given away, with their public keys: an upload that is repeated must not bring them back. */
  readonly taken: Map<number, string>;
}

/** The prekeys of one device. */
export interface DevicePrekeys {
  signedPrekey: SignedPrekey | undefined;
  lastResort: SignedPrekey | undefined;
  readonly ec: OneTimeKeys<EcPrekey>;
  readonly kyber: OneTimeKeys<SignedPrekey>;
}

/** A refresh token; the one without a successor is the device's current one. */
export interface RefreshRecord {
  readonly device: DeviceAddress;
  successor: string | undefined;
  replacedAt: number | undefined;
}

/** A device that joined an account. */
export interface JoinRecord {
  readonly device: DeviceAddress;
  readonly requestHash: string;
}

/** Why a refresh token that was current has ended; `foundAt` is the time of the first sweep that saw it. */
export interface EndedTokenRecord {
  readonly reason: TokenEnd;
  foundAt: number | undefined;
}

/** A stored envelope. */
export interface MailRecord {
  readonly seq: number;
  readonly deliveryKey: string;
  readonly deliveryId: Uint8Array;
  readonly envelope: Uint8Array;
  /** What follows it: one for all entries of a send. */
  readonly shared: Uint8Array | undefined;
  readonly stranger: boolean;
  readonly acceptedAt: number;
  readonly expiresAt: number;
}

/** What was accepted under one send id, by recipient. */
export interface ReceiptRecord {
  /** None of a sealed send. */
  readonly sender: DeviceAddress | undefined;
  readonly acceptedAt: number;
  readonly expiresAt: number;
  readonly results: Map<UserId, MailResult>;
}

/** A verification with what became of it. */
export interface VerificationRecord {
  readonly verification: Verification;
  attempts: number;
  claim: string | undefined;
  isVoid: boolean;
}

/** All that the memory adapters of one relay hold: one object, since some ports must change together. */
export interface MemoryState {
  readonly accounts: Map<UserId, AccountRecord>;
  /** User ids of replaced accounts: never given out again. */
  readonly endedUsers: Set<UserId>;
  /** Receipts of accounts that their owners ended. */
  readonly deletionReceipts: Set<string>;
  /** Accounts whose blobs are to be swept, with the time of their end. */
  readonly unswept: Map<UserId, number>;
  readonly userByNumber: Map<string, UserId>;
  readonly userByRegistration: Map<string, UserId>;
  readonly verifications: Map<string, VerificationRecord>;
  /** By device key; a listed device has an entry, if an empty one. */
  readonly prekeys: Map<string, DevicePrekeys>;
  /** By device key: what a device is told from others by that have its address at other times. */
  readonly incarnations: Map<string, string>;
  /** Devices that joined an account, by the idempotency keys of their requests. */
  readonly joins: Map<string, JoinRecord>;
  /** By device key: on which day a device was connected last. */
  readonly seenDays: Map<string, number>;
  /** Keys of devices that were not connected for long. */
  readonly idle: Set<string>;
  /** Keys of devices that have uploaded no prekeys since the identity key changed. */
  readonly keyless: Set<string>;
  readonly refreshTokens: Map<string, RefreshRecord>;
  readonly accessTokens: Map<string, Omit<Session, 'incarnation'>>;
  /** Refresh tokens of devices that are gone: nothing leads from them to an account. */
  readonly endedTokens: Map<string, EndedTokenRecord>;
  readonly mail: Map<string, MailRecord[]>;
  /** The number of the mail that was stored last. */
  lastMail: number;
  readonly receipts: Map<string, ReceiptRecord>;
  /** By group key. */
  readonly groups: Map<string, GroupState>;
  /** By group and location. */
  readonly groupAvatars: Map<string, GroupAvatarRecord>;
  readonly blobs: Map<string, Uint8Array>;
}

/** An empty relay. */
export function emptyState(): MemoryState {
  return {
    accounts: new Map(),
    endedUsers: new Set(),
    deletionReceipts: new Set(),
    unswept: new Map(),
    userByNumber: new Map(),
    userByRegistration: new Map(),
    verifications: new Map(),
    prekeys: new Map(),
    incarnations: new Map(),
    joins: new Map(),
    seenDays: new Map(),
    idle: new Set(),
    keyless: new Set(),
    refreshTokens: new Map(),
    accessTokens: new Map(),
    endedTokens: new Map(),
    mail: new Map(),
    lastMail: 0,
    receipts: new Map(),
    groups: new Map(),
    groupAvatars: new Map(),
    blobs: new Map(),
  };
}

/** A device as a key of a Map. */
export function deviceKey(device: { readonly userId: string; readonly deviceId: number }): string {
  return `${device.userId}.${device.deviceId}`;
}

/** What a listed device is told by from others that have its address at other times: named when somebody asks first, forgotten with the device. */
export function incarnationOf({ incarnations }: MemoryState, device: DeviceAddress): string {
  const key = deviceKey(device);
  const incarnation = incarnations.get(key) ?? randomUUID();
  incarnations.set(key, incarnation);
  return incarnation;
}

/** The addresses that a list names. */
export function devicesOf(userId: UserId, list: StoredDeviceList): DeviceAddress[] {
  return list.devices.map(({ deviceId }) => ({ userId, deviceId: deviceId as DeviceId }));
}

/** Whether an address belongs to an account that has ended, or that doesn't list it. */
export function isGone(state: MemoryState, { userId, deviceId }: { userId: UserId; deviceId: number }): boolean {
  const account = state.accounts.get(userId);
  if (account === undefined) return state.endedUsers.has(userId);
  return !account.deviceList.devices.some((device) => device.deviceId === deviceId);
}

/** Ends all tokens of a device. */
export function forgetTokens(state: MemoryState, device: DeviceAddress): void {
  const key = deviceKey(device);
  for (const [token, record] of state.refreshTokens) {
    if (deviceKey(record.device) === key) state.refreshTokens.delete(token);
  }
  for (const [token, session] of state.accessTokens) {
    if (deviceKey(session.device) === key) state.accessTokens.delete(token);
  }
}

/** Ends an account: all that it had is gone but for its blobs, which are left to be swept, and its id, which is never given out again. */
export function endAccount(state: MemoryState, userId: UserId, reason: TokenEnd, now: number): void {
  const account = state.accounts.get(userId);
  if (account === undefined) return;
  for (const device of devicesOf(userId, account.deviceList)) forgetDevice(state, device, reason);
  state.accounts.delete(userId);
  state.userByNumber.delete(account.numberKey);
  state.userByRegistration.delete(account.idempotencyKey);
  state.endedUsers.add(userId);
  state.unswept.set(userId, now);
  leaveGroups(state, userId, now);
}

/** Judges an attempt at the account that has a number, and keeps the try; the refusal, if it stays closed. */
export function tryLock(account: AccountRecord | undefined, attempt: LockAttempt): LockRefusal | undefined {
  if (account === undefined) return undefined;
  const verdict = lockVerdict(account.lock, account.heardAt, attempt);
  if (verdict.status === 'open') return undefined;
  if (verdict.next !== undefined && account.lock !== undefined) account.lock = { ...account.lock, ...verdict.next };
  return verdict.refusal;
}

/** Removes all that a device had: tokens, prekeys, mail, the receipts of its sends, and how it joined. Of its current refresh token it stays known why it ended. */
export function forgetDevice(state: MemoryState, device: DeviceAddress, reason: TokenEnd): void {
  const key = deviceKey(device);
  for (const [token, record] of state.refreshTokens) {
    if (record.successor !== undefined || deviceKey(record.device) !== key) continue;
    state.endedTokens.set(token, { reason, foundAt: undefined });
  }
  forgetTokens(state, device);
  state.prekeys.delete(key);
  state.incarnations.delete(key);
  state.seenDays.delete(key);
  state.idle.delete(key);
  state.keyless.delete(key);
  for (const [joinKey, join] of state.joins) if (deviceKey(join.device) === key) state.joins.delete(joinKey);
  state.mail.delete(key);
  for (const [sendKey, receipt] of state.receipts) {
    if (receipt.sender !== undefined && deviceKey(receipt.sender) === key) state.receipts.delete(sendKey);
  }
}
