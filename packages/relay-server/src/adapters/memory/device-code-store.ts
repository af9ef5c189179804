import type { Clock } from '../../ports/clock.ts';
import type { DeviceCodeStore } from '../../ports/device-code-store.ts';
import type { DeviceAddress, UserId } from '../../ports/ids.ts';
import { byteKey } from './byte-key.ts';

interface IssuedCode {
  readonly device: DeviceAddress;
  readonly expiresAt: number;
  claim: string | undefined;
}

/** Codes for new devices in one process. */
export class MemoryDeviceCodeStore implements DeviceCodeStore {
  readonly #codes = new Map<string, IssuedCode>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async issue(code: Uint8Array, device: DeviceAddress, expiresAt: number): Promise<void> {
    const now = this.#clock.now();
    for (const [key, held] of this.#codes) {
      // All live equally long, so the ones that ended stand first.
      if (now < held.expiresAt) break;
      this.#codes.delete(key);
    }
    this.#codes.set(byteKey(code), { device, expiresAt, claim: undefined });
  }

  async claim(code: Uint8Array, claim: Uint8Array, now: number): Promise<DeviceAddress | undefined> {
    const held = this.#codes.get(byteKey(code));
    if (held === undefined || now >= held.expiresAt) return undefined;
    const claimant = byteKey(claim);
    held.claim ??= claimant;
    return held.claim === claimant ? held.device : undefined;
  }

  async revoke(userId: UserId, deviceId?: number): Promise<void> {
    for (const [key, { device }] of this.#codes) {
      if (device.userId === userId && (deviceId === undefined || device.deviceId === deviceId)) this.#codes.delete(key);
    }
  }
}
