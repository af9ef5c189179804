import type { DeviceAddress } from '../../ports/ids.ts';
import type { Holder, Keeping, Presence, PresenceClaim } from '../../ports/presence.ts';
import type { Randomness } from '../../ports/randomness.ts';
import { byteKey } from './byte-key.ts';
import { deviceKey } from './memory-state.ts';

/** Presence in one process. */
export class MemoryPresence implements Presence {
  readonly #holders = new Map<string, Holder>();
  readonly #randomness: Randomness;

  constructor(randomness: Randomness) {
    this.#randomness = randomness;
  }

  async claim(
    device: DeviceAddress,
    node: string,
  ): Promise<{ readonly epoch: string; readonly previous: Holder | undefined }> {
    const key = deviceKey(device);
    const previous = this.#holders.get(key);
    const epoch = byteKey(this.#randomness.bytes(16));
    this.#holders.set(key, { node, epoch });
    return { epoch, previous };
  }

  async holder(device: DeviceAddress): Promise<Holder | undefined> {
    return this.#holders.get(deviceKey(device));
  }

  async release(device: DeviceAddress, epoch: string): Promise<void> {
    const key = deviceKey(device);
    if (this.#holders.get(key)?.epoch === epoch) this.#holders.delete(key);
  }

  async keep(node: string, claims: readonly PresenceClaim[]): Promise<readonly Keeping[]> {
    return claims.map(({ device, epoch }) => {
      const key = deviceKey(device);
      const held = this.#holders.get(key);
      if (held === undefined) this.#holders.set(key, { node, epoch });
      return held === undefined ? 'restored' : held.epoch === epoch ? 'kept' : 'taken';
    });
  }
}
