import { WorkLimit } from '../platform/work-limit.ts';
import type { UserId } from '../ports/ids.ts';
import { type ListedDevices, listedDevice } from '../ports/listed-devices.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';
import { deviceOfKey } from './device-key.ts';
import type { GatewayInboxes } from './gateway-inboxes.ts';
import type { NodeFailure } from './node-failure.ts';
import type { OpenInbox } from './open-inbox.ts';

/** How long a stream may stay open, at most twice, whose device was taken off its list on another node that could not tell this one. */
const checkMs = 30_000;
const mostAtOnce = 16;

/** What a `ListedCheck` works with. */
export interface ListedCheckParts {
  readonly inboxes: GatewayInboxes;
  readonly listed: ListedDevices;
  readonly timers: Timers;
  readonly failed: (event: NodeFailure, error: unknown) => void;
}

/** Looks again and again whether the devices that are connected here are listed by their accounts, and ends the streams of those that are not: whoever took them off has told so, but a word may be lost. Such a stream gives and takes nothing meanwhile. */
export class ListedCheck {
  readonly #parts: ListedCheckParts;
  readonly #reads = new WorkLimit(mostAtOnce);
  #cancelTicks: CancelTimer | undefined;
  #running: Promise<void> | undefined;

  constructor(parts: ListedCheckParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#cancelTicks = this.#parts.timers.every(checkMs, () => {
      this.#running ??= this.#checkAll().finally(() => {
        this.#running = undefined;
      });
    });
  }

  /** Resolves when nothing is looked up any more. Idempotent. */
  async stop(): Promise<void> {
    this.#cancelTicks?.();
    await this.#running;
  }

  async #checkAll(): Promise<void> {
    const ofUsers = new Map<UserId, OpenInbox[]>();
    for (const inbox of this.#parts.inboxes.all) {
      const { userId } = deviceOfKey(inbox.device);
      ofUsers.set(userId, [...(ofUsers.get(userId) ?? []), inbox]);
    }
    await Promise.all([...ofUsers].map(([userId, inboxes]) => this.#reads.run(() => this.#checkUser(userId, inboxes))));
  }

  async #checkUser(userId: UserId, inboxes: readonly OpenInbox[]): Promise<void> {
    const { listed, failed } = this.#parts;
    try {
      const user = await listed.of(userId);
      for (const inbox of inboxes) {
        const device = deviceOfKey(inbox.device);
        if (listedDevice(user, device)?.incarnation !== device.incarnation) inbox.revoke();
      }
    } catch (error) {
      failed('listed.read-failed', error);
    }
  }
}
