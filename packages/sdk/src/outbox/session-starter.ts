import { usableAccount } from '../accounts/standing.ts';
import { chatLock, chatWith } from '../chats/chat-state.ts';
import { identityPolicyOf } from '../chats/identity-policy.ts';
import type { Executor } from '../crypto/executor.ts';
import { identityChangedAdvice, meetListedIdentity } from '../crypto/identity-trust.ts';
import { ownIdentity } from '../crypto/libsignal-stores.ts';
import { peerLock, Ratchet } from '../crypto/ratchet.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { acceptDeviceList } from '../devices/accept-device-list.ts';
import type { CheckedDeviceList } from '../devices/device-list.ts';
import type { KeylessDevices } from '../devices/keyless-devices.ts';
import { tellingForks } from '../devices/named-list.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Clock } from '../ports/clock.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { UserId } from '../ports/ids.ts';
import type { IdentityPolicy } from '../ports/key-records.ts';
import { fetchBundles } from '../prekeys/bundle.ts';
import { SottoError } from '../sotto-error.ts';
import type { AuthorizedClient } from '../transport/http-client.ts';
import { requestDeviceList } from '../transport/user-calls.ts';

/** Makes sessions with all devices of a person from their bundles. */
export class SessionStarter {
  private readonly executor: Executor;
  private readonly http: AuthorizedClient;
  private readonly clock: Clock;
  private readonly sha256: Sha256;
  private readonly identityPolicy: IdentityPolicy;
  private readonly keyless: KeylessDevices;
  private readonly signal: AbortSignal;

  constructor(parts: {
    readonly executor: Executor;
    readonly http: AuthorizedClient;
    readonly clock: Clock;
    readonly sha256: Sha256;
    readonly identityPolicy: IdentityPolicy;
    /** Is told which devices have no keys. */
    readonly keyless: KeylessDevices;
    readonly signal: AbortSignal;
  }) {
    this.executor = parts.executor;
    this.http = parts.http;
    this.clock = parts.clock;
    this.sha256 = parts.sha256;
    this.identityPolicy = parts.identityPolicy;
    this.keyless = parts.keyless;
    this.signal = parts.signal;
  }

  /**
   * Fetches bundles, checks them, takes the device list over and opens the sessions that are missing, in one commit. After a change of the identity key all sessions are made anew.
   * @throws {SottoError} `user-unknown`, `bundle-invalid`, `device-list-invalid`, `device-list-forked`, `identity-changed`, `session-ended`, and as AuthorizedClient
   */
  start(userId: UserId): Promise<void> {
    return tellingForks(this.executor, userId, () => this.startOnce(userId));
  }

  private async startOnce(userId: UserId): Promise<void> {
    const fetched = await fetchBundles(this.http, userId, { sha256: this.sha256, signal: this.signal });
    const { signed, keyless } = fetched;
    const met = await this.executor.run([peerLock(userId), chatLock(chatWith(userId))], async (overlay) => {
      const now = this.clock.now();
      const list = await acceptDeviceList(overlay, signed, userId, this.sha256);
      const own = usableAccount(await overlay.get('account', {}));
      if (userId === own.userId) refuseUnderFormerKey(own, list);
      // This device needs no session with itself.
      const bundles = fetched.bundles.filter(({ deviceId }) => userId !== own.userId || deviceId !== own.deviceId);
      const policy = await identityPolicyOf(overlay, userId, this.identityPolicy);
      const identity = await meetListedIdentity(overlay, userId, list.identityKey, policy, now);
      if (identity === 'blocked') return identity;
      const ratchet = new Ratchet(own, overlay, now);
      if (identity === 'replaced') {
        for (const { deviceId } of list.devices) await ratchet.setAside({ userId, deviceId });
      }
      for (const { deviceId, registrationId, bundle } of bundles) {
        const device = { userId, deviceId };
        if (!(await ratchet.canSend(device, registrationId))) await ratchet.start(device, bundle);
      }
      return identity;
    });
    this.keyless.note(userId, fetched.list.version, keyless);
    // What was seen is in the store: the user can be asked.
    if (met === 'blocked') throw new SottoError('identity-changed', identityChangedAdvice);
  }

  /**
   * Fetches the device list of a person and takes it over, without any session.
   * @throws {SottoError} `user-unknown`, `device-list-invalid`, `device-list-forked`, and as AuthorizedClient
   */
  learnDevices(userId: UserId): Promise<void> {
    return tellingForks(this.executor, userId, () => this.learnOnce(userId));
  }

  private async learnOnce(userId: UserId): Promise<void> {
    const signed = await requestDeviceList(this.http, userId, { signal: this.signal });
    await this.executor.run([peerLock(userId), chatLock(chatWith(userId))], async (overlay) => {
      const { identityKey } = await acceptDeviceList(overlay, signed, userId, this.sha256);
      if ((await overlay.get('identity', { userId })) !== undefined) return;
      const policy = await identityPolicyOf(overlay, userId, this.identityPolicy);
      await meetListedIdentity(overlay, userId, identityKey, policy, this.clock.now());
    });
  }
}

/** Between a list that brings the account a new identity key and its taking over, no session with an own device is begun under the former one. */
function refuseUnderFormerKey(own: AccountRecord, { identityKey }: CheckedDeviceList): void {
  if (sameBytes(ownIdentity(own).publicKey.serialize(), identityKey)) return;
  throw new SottoError('bundle-invalid', 'this device has not taken the new identity key of the account over yet', {
    retryable: true,
  });
}
