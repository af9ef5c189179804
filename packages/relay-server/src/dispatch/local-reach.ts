import type { RelayCounts } from '../metrics/relay-counts.ts';
import type { DeviceAddress, UserId } from '../ports/ids.ts';
import type { PrekeysLeft } from '../ports/prekey-store.ts';
import type { ConnectedDevices, Ending, EphemeralSignal } from './connected-devices.ts';
import type { DeviceReach } from './device-reach.ts';

/** The streams of this process: all that there are for a relay that is alone. */
export class LocalReach implements DeviceReach {
  readonly #connected: ConnectedDevices;
  readonly #counts: RelayCounts;

  constructor(connected: ConnectedDevices, counts: RelayCounts) {
    this.#connected = connected;
    this.#counts = counts;
  }

  mail({ userId, deviceId }: DeviceAddress): void {
    this.#connected.get(userId, deviceId)?.hint();
  }

  ephemeral(_from: DeviceAddress, to: DeviceAddress, signal: EphemeralSignal): void {
    const stream = this.#connected.get(to.userId, to.deviceId);
    if (stream === undefined) this.#counts.ephemeralsDropped.add(1);
    else stream.ephemeral(signal);
  }

  async prekeysLeft({ userId, deviceId }: DeviceAddress, left: () => Promise<PrekeysLeft>): Promise<void> {
    if (this.#connected.get(userId, deviceId) === undefined) return;
    const now = await left();
    this.#connected.get(userId, deviceId)?.prekeysLeft(now);
  }

  devicesChanged(userId: UserId, deviceIds: readonly number[], signed: Uint8Array): void {
    for (const deviceId of deviceIds) this.#connected.get(userId, deviceId)?.devicesChanged(signed);
  }

  devicesIdle({ userId, deviceId }: DeviceAddress, deviceIds: readonly number[]): void {
    this.#connected.get(userId, deviceId)?.devicesIdle(deviceIds);
  }

  end(userId: UserId, ending: Ending, signed?: Uint8Array): void {
    this.#connected.endOf(userId, ending, signed);
  }

  linkLeft(): void {
    // Nobody waits anywhere else.
  }
}
