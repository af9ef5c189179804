import { chatWith } from '../chats/chat-state.ts';
import type { Executor } from '../crypto/executor.ts';
import { isHeard } from '../devices/heard-devices.ts';
import { KeylessDevices } from '../devices/keyless-devices.ts';
import { primaryOf } from '../devices/next-list.ts';
import { OwnDevices } from '../devices/own-devices.ts';
import type { TakenOver } from '../devices/own-list.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import type { ChatId, UserId } from '../ports/ids.ts';
import type { Platform } from '../ports/platform.ts';
import type { StoreQueries } from '../ports/store.ts';
import { SottoError } from '../sotto-error.ts';
import { tellSiblings } from '../sync/own-sync.ts';
import { requestDevices } from '../transport/device-calls.ts';
import type { AuthorizedClient } from '../transport/http-client.ts';

/** What the work on own devices is assembled from. */
export interface DeviceWorkParts {
  readonly platform: Platform;
  readonly store: StoreQueries;
  readonly executor: Executor;
  readonly http: AuthorizedClient;
  /** @throws {SottoError} `not-registered`, `session-ended` */
  readonly origin: () => ContentOrigin;
  /** Ends what is under way. */
  readonly ended: AbortSignal;
  readonly learnDevices: (userId: UserId) => Promise<void>;
  /** Resolves when all that has come was applied; whether nothing waits for this device at the relay. */
  readonly caughtUp: () => Promise<boolean>;
  /** The account is another one now. */
  readonly onAccount: () => Promise<void>;
  /** The own list has changed. */
  readonly onTakenOver: (change: TakenOver) => Promise<void>;
  /** Has the groups of the account note a revocation, where they have not. */
  readonly noteInGroups: () => Promise<void>;
  /** Something waits in this queue. */
  readonly onQueued: (chatId: ChatId) => void;
  readonly onFailure: (error: unknown) => void;
}

/** Everything that keeps the own list where the account is, in the background. */
export class DeviceWork {
  readonly own: OwnDevices;
  readonly keyless = new KeylessDevices();
  readonly #parts: DeviceWorkParts;
  /** The relay has called devices idle, and what they say for themselves was not all there yet. */
  #saidIdle = false;
  #working: Promise<void> = Promise.resolve();

  constructor(parts: DeviceWorkParts) {
    this.#parts = parts;
    const { platform, store, executor, http, learnDevices, onAccount } = parts;
    const { clock, randomness, sha256, logger, tracer } = platform;
    this.own = new OwnDevices({
      executor,
      queries: store,
      http,
      clock,
      randomness,
      sha256,
      logger,
      tracer,
      learnDevices,
      onAccount,
      onTakenOver: (change) => {
        // Who may come back is found out anew.
        this.keyless.forget(parts.origin().account.userId);
        this.#inBackground(() => this.#follow(change));
      },
    });
  }

  /** The relay says that the own list is another one. */
  changed(signed: Uint8Array): void {
    this.#inBackground(() => this.own.changed(signed));
  }

  /** The relay says that devices were not connected for long. */
  idle(): void {
    this.#saidIdle = true;
    this.#inBackground(() => this.#revokeIdle());
  }

  /** Somebody knows of a later version of the own list: it is asked for, then what waits for it is tried. */
  behind(retry: () => void): void {
    this.#inBackground(async () => {
      await this.own.settle({ signal: this.#parts.ended }, 'named');
      retry();
    });
  }

  /** The client is connected: a change of the list that was begun is finished, however much mail waits. Others may know it already, and write under its identity key. */
  connected(): void {
    this.#inBackground(() => this.own.finish({ signal: this.#parts.ended }));
  }

  /** The mailbox was seen empty: what was begun is finished, and the own list looked at. */
  drained(): void {
    this.#inBackground(async () => {
      await this.own.settle({ signal: this.#parts.ended });
      await this.#parts.noteInGroups();
      if (this.#saidIdle) await this.#revokeIdle();
    });
  }

  /** Looks for devices that were not connected for long; what was begun is finished. */
  everyHour(): void {
    this.#inBackground(async () => {
      await this.own.settle({ signal: this.#parts.ended });
      await this.#revokeIdle();
    });
  }

  /** Resolves when nothing is under way. The caller has aborted `ended`. Idempotent. */
  async stop(): Promise<void> {
    await this.#working;
  }

  async #follow(change: TakenOver): Promise<void> {
    const { origin, onTakenOver, noteInGroups, onQueued } = this.#parts;
    await onTakenOver(change);
    // Whoever comes back under another identity key may have been away while the others went on.
    if (change.identity === 'replaced') await this.#askForSnapshot();
    onQueued(chatWith(origin().account.userId));
    if (change.removed) await noteInGroups();
  }

  async #askForSnapshot(): Promise<void> {
    const { executor, origin, platform } = this.#parts;
    if (origin().account.rootSecret !== undefined) return;
    await executor.run([], (overlay) => tellSiblings(overlay, origin, { snapshotRequest: {} }, platform.clock.now()));
  }

  /** Devices that the relay gives no mail any more: only the primary may take them off the list, and takes off none that it has heard of itself. */
  async #revokeIdle(): Promise<void> {
    const { http, ended, caughtUp, executor, platform } = this.#parts;
    const { account, list } = await this.own.list();
    if (account.rootSecret === undefined || list.devices.length < 2) return;
    // What they have said may wait in the mailbox.
    if (!(await caughtUp())) return;
    this.#saidIdle = false;
    const standings = await requestDevices(http, { signal: ended });
    const idle = new Set(standings.filter((standing) => standing.idle).map(({ deviceId }) => deviceId));
    idle.delete(primaryOf(list));
    const now = platform.clock.now();
    await executor.run([], async (overlay) => {
      for (const device of list.devices) if (await isHeard(overlay, device, now)) idle.delete(device.deviceId);
    });
    const isIdle = (deviceId: number) => idle.has(deviceId);
    if (!list.devices.some(({ deviceId }) => isIdle(deviceId))) return;
    await this.own.change(
      (before) => ({ devices: before.devices.filter(({ deviceId }) => !isIdle(deviceId)), newIdentity: true }),
      { signal: ended },
    );
  }

  /** One after the other. What fails at the relay is tried again with the next connection, or in an hour. */
  #inBackground(work: () => Promise<void>): void {
    const { ended, platform, onFailure } = this.#parts;
    this.#working = this.#working.then(work).catch((error: unknown) => {
      if (ended.aborted) return;
      const isPassing = error instanceof SottoError && !error.code.startsWith('store-') && error.code !== 'internal';
      if (isPassing) platform.logger.warn('devices.failed', { code: error.relayCode ?? error.code });
      else onFailure(error);
    });
  }
}
