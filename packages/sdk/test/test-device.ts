import { Envelope, type EnvelopeFields, type SendFields, uuidToBytes } from '@sotto/proto';
import {
  IdentityKeyPair,
  KyberPreKeyRecord,
  PreKeyBundle,
  PreKeyRecord,
  PrivateKey,
  PublicKey,
  SignedPreKeyRecord,
} from '#libsignal';
import { defaultPlatform } from '#platform';
import { rootKeyOf } from '../src/accounts/recovery-key.ts';
import { MemoryDisk } from '../src/adapters/memory/memory-disk.ts';
import { asBuffer } from '../src/crypto/as-buffer.ts';
import { meetListedIdentity } from '../src/crypto/identity-trust.ts';
import { peerLock, Ratchet } from '../src/crypto/ratchet.ts';
import { acceptDeviceList } from '../src/devices/accept-device-list.ts';
import { signDeviceList, verifyDeviceList } from '../src/devices/device-list.ts';
import type { ContentOrigin } from '../src/messages/outgoing-content.ts';
import type { AccountRecord } from '../src/ports/account-record.ts';
import type { DeviceAddress, DeviceId } from '../src/ports/ids.ts';
import type { IdentityPolicy, PrekeyKind, PrekeyRecord } from '../src/ports/key-records.ts';
import { PrekeyIds } from '../src/prekeys/prekey-id.ts';
import { makePrekeys, type PrekeyCounts } from '../src/prekeys/prekey-material.ts';
import { isForMany, isUnnamed } from '../src/sealed/unnamed-send.ts';
import type { MovingClock } from './moving-clock.ts';
import { userIdOf } from './numbered-uuid.ts';
import { type OpenExecutor, openExecutor } from './open-executor.ts';
import { takenApart } from './taken-apart.ts';

export const { randomness, sha256, logger } = defaultPlatform();

const fewPrekeys: PrekeyCounts = { signed: 1, 'last-resort': 1, ec: 3, kyber: 3 };

/** A registered device on a memory store, without a relay. */
export interface TestDevice extends OpenExecutor {
  readonly account: AccountRecord;
  readonly address: DeviceAddress;
  readonly origin: () => ContentOrigin;
  /** What the relay would give out, and takes away when it does. */
  readonly offered: Map<PrekeyKind, PrekeyRecord[]>;
}

/** How to make a device. */
export interface TestDeviceOptions {
  readonly clock?: MovingClock;
  readonly prekeys?: PrekeyCounts;
  /** The account in whose place this one comes: the same person with a new device. */
  readonly previous?: AccountRecord;
  /** Keeps the identity key of `previous`. */
  readonly sameIdentity?: boolean;
  readonly returnsReceipts?: boolean;
}

let made = 0;

/** Makes an account with its one device. */
export async function testDevice(options: TestDeviceOptions = {}): Promise<TestDevice> {
  const open = await openExecutor(new MemoryDisk(), options.clock);
  const now = open.clock.now();
  const { previous } = options;
  const userId = previous?.userId ?? userIdOf(1_000_000 + ++made);
  const deviceId = 1 as DeviceId;
  const identity =
    previous !== undefined && options.sameIdentity
      ? IdentityKeyPair.deserialize(asBuffer(previous.identityKeyPair))
      : IdentityKeyPair.generate();
  const identityKeyPair = identity.serialize();
  const device = PrivateKey.generate();
  const registrationId = 1 + Math.floor(randomness.fraction() * 16_000);
  const rootSecret = previous?.rootSecret ?? randomness.bytes(32);
  const before = previous && verifyDeviceList(previous.deviceList, userId, sha256);
  const list = {
    userId,
    version: (before?.version ?? 0) + 1,
    previousHash: before?.hash ?? new Uint8Array(),
    createdAt: now,
    identityKey: identity.publicKey.serialize(),
    devices: [{ deviceId, registrationId, deviceKey: device.getPublicKey().serialize() }],
  };
  const prekeys = makePrekeys(options.prekeys ?? fewPrekeys, {
    identityKeyPair,
    ids: new PrekeyIds(randomness, []),
    now,
  });
  const account: AccountRecord = {
    userId,
    deviceId,
    number: `+1415555${String(made).padStart(4, '0')}`,
    username: `user ${made}`,
    registrationId,
    identityKeyPair,
    formerIdentities: [],
    devicePrivateKey: device.serialize(),
    rootSecret,
    deviceList: signDeviceList(list, rootKeyOf(rootSecret)),
    profileKey: randomness.bytes(32),
    nextProfileKey: undefined,
    refreshToken: randomness.bytes(32),
    nextRefreshToken: undefined,
    deletion: undefined,
    accessToken: '',
    accessExpiresAt: 0,
    createdAt: now,
    hasSnapshot: true,
    ended: false,
    endReason: undefined,
  };
  await open.executor.run([], (overlay) => {
    overlay.put('account', account);
    for (const prekey of prekeys) overlay.put('prekey', prekey);
  });
  const offered = new Map<PrekeyKind, PrekeyRecord[]>();
  for (const prekey of prekeys) offered.set(prekey.kind, [...(offered.get(prekey.kind) ?? []), prekey]);
  const origin = { account, returnsReceipts: options.returnsReceipts ?? true, sha256, randomness };
  return { ...open, account, address: { userId, deviceId }, origin: () => origin, offered };
}

/** Which keys a bundle has: `one-time` ones as long as there are any, like the relay; then none (EC), or the last-resort one (Kyber). */
export interface BundleOptions {
  readonly ec?: 'one-time' | 'none';
  readonly kyber?: 'one-time' | 'last-resort';
}

/** A bundle of a device, as the relay gives it. */
export function bundleOf({ account, offered }: TestDevice, options: BundleOptions = {}): PreKeyBundle {
  const identity = IdentityKeyPair.deserialize(asBuffer(account.identityKeyPair));
  const ec = options.ec === 'none' ? undefined : offered.get('ec')?.shift();
  const kyber =
    (options.kyber === 'last-resort' ? undefined : offered.get('kyber')?.shift()) ?? offered.get('last-resort')?.[0];
  const signed = offered.get('signed')?.[0];
  if (kyber === undefined || signed === undefined) throw new Error('the device has no prekeys');
  const ecKey = ec && PreKeyRecord.deserialize(asBuffer(ec.record));
  const kyberKey = KyberPreKeyRecord.deserialize(asBuffer(kyber.record));
  const signedKey = SignedPreKeyRecord.deserialize(asBuffer(signed.record));
  return PreKeyBundle.new(
    account.registrationId,
    account.deviceId,
    ecKey?.id() ?? null,
    ecKey?.publicKey() ?? null,
    signedKey.id(),
    signedKey.publicKey(),
    signedKey.signature(),
    PublicKey.deserialize(identity.publicKey.serialize()),
    kyberKey.id(),
    kyberKey.publicKey(),
    kyberKey.signature(),
  );
}

/** Lets one device know another one's list, and opens a session from a bundle. */
export async function startSession(from: TestDevice, to: TestDevice, options: BundleOptions = {}): Promise<void> {
  await from.executor.run([peerLock(to.account.userId)], async (overlay) => {
    await acceptDeviceList(overlay, to.account.deviceList, to.account.userId, sha256);
    await new Ratchet(from.account, overlay, from.clock.now()).start(to.address, bundleOf(to, options));
  });
}

/** The same as the client does it: by the list's identity key and what a change of it is to mean. */
export async function meetDevice(
  from: TestDevice,
  to: TestDevice,
  policy: IdentityPolicy = 'block-verified',
): Promise<void> {
  const { userId } = to.account;
  await from.executor.run([peerLock(userId)], async (overlay) => {
    const now = from.clock.now();
    const list = await acceptDeviceList(overlay, to.account.deviceList, userId, sha256);
    const met = await meetListedIdentity(overlay, userId, list.identityKey, policy, now);
    if (met === 'blocked') return;
    const ratchet = new Ratchet(from.account, overlay, now);
    if (met === 'replaced') await ratchet.setAside(to.address);
    if (!(await ratchet.canSend(to.address, to.account.registrationId))) await ratchet.start(to.address, bundleOf(to));
  });
}

/** The envelopes that the relay makes of a Send. */
export function envelopesOf(send: SendFields, sender: DeviceAddress, now: number): readonly EnvelopeFields[] {
  return (send.recipients ?? []).flatMap((recipient) =>
    (recipient.devices ?? []).map((device) => ({
      suite: send.suite ?? 0,
      kind: device.kind ?? 0,
      ciphertext: send.sharedCiphertext?.length ? send.sharedCiphertext : (device.ciphertext ?? new Uint8Array()),
      messageId: send.messageId ?? new Uint8Array(),
      senderUser: uuidToBytes(sender.userId),
      senderDevice: sender.deviceId,
      recipientUser: recipient.userId ?? new Uint8Array(),
      recipientDevice: device.deviceId ?? 0,
      acceptedAt: now,
      expiresAt: now + 30 * 24 * 3_600_000,
      attempt: send.attempt ?? 0,
      urgent: send.urgent ?? false,
      groupId: send.groupId ?? new Uint8Array(),
      groupEpoch: send.groupEpoch ?? 0,
    })),
  );
}

/** The same, encoded as they are delivered; of a Send without a sender's name, too. */
export function deliveredOf(send: SendFields, sender: DeviceAddress, now: number): readonly Uint8Array[] {
  const nobody = { messageId: new Uint8Array(), senderUser: new Uint8Array(), senderDevice: 0 };
  if (isUnnamed(send)) {
    const envelopes = envelopesOf(isForMany(send) ? takenApart(send) : send, sender, now);
    return envelopes.map((envelope) => Envelope.encode({ ...envelope, ...nobody }));
  }
  return envelopesOf(send, sender, now).map((envelope) => Envelope.encode(envelope));
}

/** The same device after a crash: its disk is opened again, whoever had it open. */
export async function reopened(device: TestDevice): Promise<TestDevice> {
  device.disk.breakLock();
  return { ...device, ...(await openExecutor(device.disk, device.clock)) };
}
