import type { DeviceAddress } from './ids.ts';

/** Which node holds a device's stream. */
export interface Holder {
  readonly node: string;
  /** Compared for equality only. */
  readonly epoch: string;
}

/** What a node that holds a device's stream says to keep its entry. */
export interface PresenceClaim {
  readonly device: DeviceAddress;
  /** As `claim` gave it. */
  readonly epoch: string;
}

/**
 * What became of an entry since it was claimed or last kept. `kept`: it was there all the time.
 * `restored`: it was gone, and is there again: what came for the device meanwhile was not told to this node, who looks for it.
 * `taken`: another claim holds the device, and was left alone: this stream has been replaced.
 */
export type Keeping = 'kept' | 'restored' | 'taken';

/**
 * Where devices are connected. A lost entry costs speed, never mail.
 *
 * Entries may be lost at any time, and may end by themselves when a node does not keep them for a while, so that those of a node that died don't stay: a node keeps the entries of its streams at least once a minute.
 */
export interface Presence {
  /** Takes the device over for `node`; gives the new epoch and who held it before. */
  claim(
    device: DeviceAddress,
    node: string,
  ): Promise<{ readonly epoch: string; readonly previous: Holder | undefined }>;
  holder(device: DeviceAddress): Promise<Holder | undefined>;
  /** Gives it up if `epoch` still holds it. */
  release(device: DeviceAddress, epoch: string): Promise<void>;
  /** Says that these streams are still open on `node`; tells of each, in their order, what became of its entry. */
  keep(node: string, claims: readonly PresenceClaim[]): Promise<readonly Keeping[]>;
}
