import { createHash } from 'node:crypto';
import {
  type DeviceCodeAnswer,
  type DeviceRegistrationRequest,
  fromBase64Url,
  type RegistrationAnswer,
  signedBytesOfDeviceRegistration,
  toBase64Url,
} from '@sotto/proto';
import { readDeviceList } from '../accounts/device-list.ts';
import type { Directory } from '../accounts/directory.ts';
import { outdatedList } from '../accounts/outdated-list.ts';
import type { Sessions } from '../auth/sessions.ts';
import { hashOfToken, readToken, tokenBytes } from '../auth/token.ts';
import { readPrekeyUpload } from '../keys/prekey-upload.ts';
import { readEcKey, signedBy } from '../keys/public-key.ts';
import type { AccountStore, StoredDeviceList } from '../ports/account-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeviceCodeStore } from '../ports/device-code-store.ts';
import type { DeviceStore } from '../ports/device-store.ts';
import type { DeviceAddress, DeviceId } from '../ports/ids.ts';
import type { Randomness } from '../ports/randomness.ts';
import { RelayError } from '../relay-error.ts';
import { checkJoining } from './joining-list.ts';
import { unknownLink } from './link-unknown.ts';

/** What `DeviceRegistrations` works with. */
export interface DeviceRegistrationParts {
  readonly accounts: AccountStore;
  readonly devices: DeviceStore;
  readonly deviceCodes: DeviceCodeStore;
  readonly sessions: Sessions;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly linkTtlMs: number;
  /** The most devices of an account, its primary included. */
  readonly mostDevices: number;
  /** An account has another list. */
  readonly onListChanged: (by: DeviceAddress, list: StoredDeviceList) => void;
}

/** Lets new devices join an account that wants them. */
export class DeviceRegistrations {
  readonly #parts: DeviceRegistrationParts;

  constructor(parts: DeviceRegistrationParts) {
    this.#parts = parts;
  }

  /** A code with which one new device joins the account. It is worth nothing without a list that the root key signed. */
  async issueCode(device: DeviceAddress): Promise<DeviceCodeAnswer> {
    const { deviceCodes, clock, randomness, linkTtlMs } = this.#parts;
    const code = randomness.bytes(tokenBytes);
    await deviceCodes.issue(hashOfToken(code), device, clock.now() + linkTtlMs);
    return { code: toBase64Url(code), expiresInMs: linkTtlMs };
  }

  /**
   * Makes the device: its mailbox and prekeys are there before anybody is shown the list that names it.
   *
   * The same idempotency key with the same list, keys and refresh token is success again, with a new access token, also after the code has ended.
   * @throws {RelayError} as docs/protocol.md lists
   */
  async register(request: DeviceRegistrationRequest): Promise<RegistrationAnswer> {
    const { accounts, devices, deviceCodes, directory, clock, mostDevices, onListChanged } = this.#parts;
    const idempotencyKey = fromBase64Url(request.idempotencyKey);
    const refreshToken = readToken(request.refreshToken);
    if (idempotencyKey.length !== 16 || refreshToken === undefined) {
      throw new RelayError('request-malformed', 'idempotencyKey has to have 16 bytes, refreshToken 32.');
    }
    const code = readToken(request.code);
    if (code === undefined) throw unknownLink();
    const requestHash = hashOfRequest(request);
    const earlier = await devices.joined(idempotencyKey);
    if (earlier !== undefined) {
      if (Buffer.compare(earlier.requestHash, requestHash) !== 0) throw mismatch();
      return this.#answer(earlier.device);
    }

    const owner = await deviceCodes.claim(hashOfToken(code), idempotencyKey, clock.now());
    if (owner === undefined) throw unknownLink();
    const { userId } = owner;
    const before = await accounts.deviceList(userId);
    if (before === undefined) throw unknownLink();
    const signed = fromBase64Url(request.deviceList);
    const next = readDeviceList(signed);
    const { deviceId } = request;
    const deviceKey = checkJoining(before, next, { userId, deviceId, mostDevices });
    const proven = signedBytesOfDeviceRegistration(idempotencyKey, code, refreshToken, signed);
    if (!signedBy(readEcKey(deviceKey), proven, fromBase64Url(request.signature))) {
      throw new RelayError('signature-invalid', 'The request is not signed by the key of the device that it names.');
    }
    const prekeys = readPrekeyUpload(request.prekeys, next.stored.identityKey);

    const device: DeviceAddress = { userId, deviceId: deviceId as DeviceId };
    const outcome = await devices.join({
      idempotencyKey,
      requestHash,
      device,
      deviceList: next.stored,
      prekeys,
      refreshTokenHash: hashOfToken(refreshToken),
      now: clock.now(),
    });
    directory.forget(userId);
    switch (outcome) {
      case 'unknown':
        throw unknownLink();
      case 'idempotency-mismatch':
        throw mismatch();
      case 'conflict':
        throw outdatedList(await accounts.deviceList(userId));
      case 'joined':
        onListChanged(device, next.stored);
        break;
      case 'repeated':
        break;
    }
    return this.#answer(device);
  }

  async #answer(device: DeviceAddress): Promise<RegistrationAnswer> {
    const { token, expiresInMs } = await this.#parts.sessions.grant(device);
    return { userId: device.userId, deviceId: device.deviceId, accessToken: token, accessExpiresInMs: expiresInMs };
  }
}

function mismatch(): RelayError {
  return new RelayError('idempotency-mismatch', 'This idempotencyKey was used for another registration.');
}

/** Over what the device is made of. Code and signature are left out: who has the refresh token is who asked before. */
function hashOfRequest({ deviceList, deviceId, refreshToken, prekeys }: DeviceRegistrationRequest): Uint8Array {
  const prekey = (key: { id: number; publicKey: string; signature?: string }) => [
    key.id,
    key.publicKey,
    key.signature ?? '',
  ];
  const parts = [
    deviceList,
    deviceId,
    refreshToken,
    prekey(prekeys.signedPrekey),
    prekey(prekeys.lastResortKyberPrekey),
    prekeys.prekeys.map(prekey),
    prekeys.kyberPrekeys.map(prekey),
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest();
}
