import { createHash, randomBytes } from 'node:crypto';
import { PrivateKey } from '@signalapp/libsignal-client';
import {
  type DeviceCodeAnswer,
  type DeviceRegistrationRequest,
  fromBase64Url,
  type LinkAnswer,
  type LinkPollAnswer,
  type RegistrationAnswer,
  SignedDeviceList,
  signedBytesOfDeviceRegistration,
  toBase64Url,
} from '@sotto/proto';
import { call, type RawAccount, type RawAnswer, type RawRelay } from './raw-client.ts';
import { type ListChanges, makePrekeys, type RawKeys, randomToken, signedList } from './raw-keys.ts';

/** A device of an account as its list names it. */
export type RawListed = NonNullable<ListChanges['devices']>[number];

/** An account with its list as it is, and the devices that the list has. */
export interface RawFamily {
  readonly account: RawAccount;
  readonly list: Uint8Array;
  readonly version: number;
  readonly devices: readonly RawListed[];
}

/** A device that is to join, with the request by which it does. */
export interface RawJoin {
  readonly keys: RawKeys;
  readonly family: RawFamily;
  readonly request: DeviceRegistrationRequest;
}

/** The account as it was registered: with one device. */
export function familyOf(account: RawAccount): RawFamily {
  const { registrationId, device } = account.keys;
  return {
    account,
    list: fromBase64Url(account.request.deviceList),
    version: 1,
    devices: [{ deviceId: 1, registrationId, deviceKey: device.getPublicKey().serialize() }],
  };
}

/** The next list, with these devices, signed by the root key. */
export function nextOf(
  family: RawFamily,
  devices: readonly RawListed[] = family.devices,
  changes: ListChanges = {},
): RawFamily {
  const version = family.version + 1;
  const previousHash = hashOfList(family.list);
  const list = signedList(family.account.keys, { version, previousHash, devices, ...changes });
  return { ...family, list, version, devices };
}

/** SHA-256 of what a signed list holds. */
export function hashOfList(signed: Uint8Array): Uint8Array {
  return createHash('sha256').update(SignedDeviceList.decode(signed).list).digest();
}

/** A code for a new device, asked for with an account's token. */
export async function deviceCode(relay: RawRelay, token: string): Promise<string> {
  return (await call<DeviceCodeAnswer>(relay, 'POST', '/v1/devices/codes', { token })).body.code;
}

/** A new device with keys of its own, and all that it brings: right in everything, but for the changes. */
export function newDevice(
  family: RawFamily,
  code: string,
  changes: { readonly deviceId?: number; readonly list?: (devices: RawListed[]) => RawFamily } = {},
): RawJoin {
  const { deviceId = family.devices.length + 1 } = changes;
  const keys: RawKeys = {
    ...family.account.keys,
    registrationId: 1 + (randomBytes(2).readUInt16BE() % 16_380),
    device: PrivateKey.generate(),
  };
  const { registrationId } = keys;
  const devices = [...family.devices, { deviceId, registrationId, deviceKey: keys.device.getPublicKey().serialize() }];
  const next = changes.list?.(devices) ?? nextOf(family, devices);
  const request = {
    code,
    idempotencyKey: randomToken(16),
    deviceList: toBase64Url(next.list),
    deviceId,
    refreshToken: randomToken(),
    prekeys: makePrekeys(keys),
    signature: '',
  };
  return { keys, family: next, request: signedJoin(request, keys) };
}

/** The request under the signature of the device's key. */
export function signedJoin(request: DeviceRegistrationRequest, keys: RawKeys): DeviceRegistrationRequest {
  const [idempotencyKey, code, refreshToken, list] = [
    request.idempotencyKey,
    request.code,
    request.refreshToken,
    request.deviceList,
  ].map((text) => fromBase64Url(text)) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const message = signedBytesOfDeviceRegistration(idempotencyKey, code, refreshToken, list);
  return { ...request, signature: toBase64Url(keys.device.sign(new Uint8Array(message))) };
}

/** Asks to join. */
export function join(relay: RawRelay, request: DeviceRegistrationRequest): Promise<RawAnswer<RegistrationAnswer>> {
  return call<RegistrationAnswer>(relay, 'POST', '/v1/devices', { body: request });
}

/** A family with one device more, and that device as an account of its own kind: with its token. */
export async function grown(
  relay: RawRelay,
  family: RawFamily,
): Promise<{ readonly family: RawFamily; readonly device: RawAccount; readonly request: DeviceRegistrationRequest }> {
  const joining = newDevice(family, await deviceCode(relay, family.account.token));
  const answer = await join(relay, joining.request);
  if (answer.status !== 200) throw new Error(`no device: ${answer.status} ${JSON.stringify(answer.body)}`);
  const device = { ...family.account, ...answer, keys: joining.keys, token: answer.body.accessToken };
  return { family: joining.family, device, request: joining.request };
}

/** What a new device shows, and what it keeps. */
export interface RawLink extends LinkAnswer {
  readonly publicKey: string;
  readonly secretKey: PrivateKey;
}

/** A new device begins its linking. */
export async function openLink(relay: RawRelay): Promise<RawLink> {
  const secretKey = PrivateKey.generate();
  const publicKey = toBase64Url(secretKey.getPublicKey().serialize());
  const answer = await call<LinkAnswer>(relay, 'POST', '/v1/linking', { body: { publicKey } });
  if (answer.status !== 200) throw new Error(`no link: ${answer.status} ${JSON.stringify(answer.body)}`);
  return { ...answer.body, publicKey, secretKey };
}

/** Leaves a message at a link. */
export function leave(relay: RawRelay, token: string, link: Pick<RawLink, 'linkId' | 'publicKey'>, message: string) {
  const body = { publicKey: link.publicKey, message };
  return call(relay, 'PUT', `/v1/linking/${link.linkId}`, { token, body });
}

/** Waits for the message of a link. */
export function poll(relay: RawRelay, link: Pick<RawLink, 'linkId' | 'pollToken'>) {
  const { linkId, pollToken } = link;
  return call<LinkPollAnswer>(relay, 'POST', `/v1/linking/${linkId}/message`, { body: { pollToken } });
}
