import type { Seeded } from '../crash/seeded.ts';
import type { SoakDevices } from './soak-devices.ts';

/** A turn that takes longer goes on beside the next one. */
const turnMs = 20_000;

/** Links a device or revokes one, turn by turn. */
export class DeviceTurns {
  readonly #devices: SoakDevices;
  readonly #wanted: number;
  readonly #seeded: Seeded;

  /** @param parts.wanted about how many there are to be */
  constructor(parts: { readonly devices: SoakDevices; readonly wanted: number; readonly seeded: Seeded }) {
    this.#devices = parts.devices;
    this.#wanted = parts.wanted;
    this.#seeded = parts.seeded;
  }

  /** @param owners whose devices may be linked and revoked now */
  async next(owners: readonly string[]): Promise<void> {
    const revoked = this.#devices.mayRevoke(owners, this.#seeded);
    const owner = this.#devices.mayLink(owners, this.#seeded);
    if (revoked !== undefined && (owner === undefined || this.#devices.present.length >= this.#wanted)) {
      await this.#devices.keep(this.#devices.revoke(revoked, this.#seeded.oneOf(true, false)), turnMs);
    } else if (owner !== undefined) {
      await this.#devices.keep(this.#devices.link(owner), turnMs);
    }
  }
}
