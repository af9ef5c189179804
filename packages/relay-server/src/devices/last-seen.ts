import type { Directory } from '../accounts/directory.ts';
import type { ConnectedDevices } from '../dispatch/connected-devices.ts';
import type { DeviceReach } from '../dispatch/device-reach.ts';
import { dayOf } from '../platform/utc-day.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeviceStore } from '../ports/device-store.ts';
import type { DeviceAddress, DeviceId, UserId } from '../ports/ids.ts';
import { idleDevices } from './idle-devices.ts';

/** Devices in one write. */
const mostAtOnce = 1_000;

/** What `LastSeen` works with. */
export interface LastSeenParts {
  readonly devices: DeviceStore;
  readonly directory: Directory;
  readonly connected: ConnectedDevices;
  readonly reach: Pick<DeviceReach, 'devicesIdle'>;
  readonly clock: Clock;
  readonly deviceIdleMs: number;
}

/**
 * On which day the devices of accounts that have several were connected last, and which of them are idle.
 *
 * Each of several nodes writes down those that are connected to it, and marks by what all have written.
 * Marks are made when a day begins while the relay runs, and never right after its start, nor when its clock was set: whoever could not connect since the relay was down is not idle.
 */
export class LastSeen {
  readonly #parts: LastSeenParts;
  #day: number;
  /** Who was written down today. */
  #written = new Set<string>();

  constructor(parts: LastSeenParts) {
    this.#parts = parts;
    this.#day = dayOf(parts.clock.now());
  }

  /** A device of an account with several has connected. */
  async heard(device: DeviceAddress): Promise<void> {
    const { clock } = this.#parts;
    const key = `${device.userId}.${device.deviceId}`;
    if (this.#written.has(key) && dayOf(clock.now()) === this.#day) return;
    await this.#write([device]);
    this.#written.add(key);
  }

  /** Once a day: whoever is connected was seen today, and whoever was not for long is idle from now on. */
  async sweep(): Promise<void> {
    const { devices, directory, connected, clock, deviceIdleMs } = this.#parts;
    const now = clock.now();
    if (dayOf(now) === this.#day) return;
    const online = connected.all();
    for (let at = 0; at < online.length; at += mostAtOnce) await this.#write(online.slice(at, at + mostAtOnce));
    // Days that this relay did not run through, since its clock was set or its machine slept, say nothing of anybody.
    const idle = dayOf(now) === this.#day + 1 ? await devices.markIdle(now - deviceIdleMs) : [];
    for (const userId of new Set(idle.map((device) => device.userId))) {
      directory.forget(userId);
      await this.#tellPrimary(userId);
    }
    // At the end: what failed is made up for by the next sweep.
    this.#day = dayOf(now);
    this.#written = new Set();
  }

  async #write(heard: readonly DeviceAddress[]): Promise<void> {
    const { devices, directory, clock } = this.#parts;
    for (const { userId } of await devices.heard(heard, clock.now())) directory.forget(userId);
  }

  async #tellPrimary(userId: UserId): Promise<void> {
    const list = await this.#parts.directory.peek(userId);
    const [primary] = list?.devices ?? [];
    if (list === undefined || primary === undefined) return;
    this.#parts.reach.devicesIdle({ userId, deviceId: primary.deviceId as DeviceId }, idleDevices(list));
  }
}
