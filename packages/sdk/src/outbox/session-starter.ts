import { chatLock, chatWith } from '../chats/chat-state.ts';
import type { Executor } from '../crypto/executor.ts';
import { peerLock, Ratchet } from '../crypto/ratchet.ts';
import { acceptDeviceList } from '../devices/accept-device-list.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Clock } from '../ports/clock.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { UserId } from '../ports/ids.ts';
import { fetchBundles } from '../prekeys/bundle.ts';
import type { AuthorizedClient } from '../transport/http-client.ts';

/** Makes sessions with all devices of a person from their bundles. */
export class SessionStarter {
  private readonly executor: Executor;
  private readonly http: AuthorizedClient;
  private readonly account: () => AccountRecord;
  private readonly clock: Clock;
  private readonly sha256: Sha256;
  private readonly signal: AbortSignal;

  constructor(parts: {
    readonly executor: Executor;
    readonly http: AuthorizedClient;
    readonly account: () => AccountRecord;
    readonly clock: Clock;
    readonly sha256: Sha256;
    readonly signal: AbortSignal;
  }) {
    this.executor = parts.executor;
    this.http = parts.http;
    this.account = parts.account;
    this.clock = parts.clock;
    this.sha256 = parts.sha256;
    this.signal = parts.signal;
  }

  /**
   * Fetches bundles, checks them, takes the device list over and opens the sessions that are missing, in one commit.
   * @throws {SottoError} `user-unknown`, `bundle-invalid`, `device-list-invalid`, `identity-changed`, and as AuthorizedClient
   */
  async start(userId: UserId): Promise<void> {
    const { signed, bundles } = await fetchBundles(this.http, userId, { sha256: this.sha256, signal: this.signal });
    await this.executor.run([peerLock(userId), chatLock(chatWith(userId))], async (overlay) => {
      await acceptDeviceList(overlay, signed, userId, this.sha256);
      const ratchet = new Ratchet(this.account(), overlay, this.clock.now());
      for (const { deviceId, registrationId, bundle } of bundles) {
        const device = { userId, deviceId };
        if (!(await ratchet.canSend(device, registrationId))) await ratchet.start(device, bundle);
      }
    });
  }
}
