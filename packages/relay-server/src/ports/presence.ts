import type { DeviceAddress } from './ids.ts';

/** Which node holds a device's stream. */
export interface Holder {
  readonly node: string;
  /** Compared for equality only. */
  readonly epoch: string;
}

/** Where devices are connected. A lost entry costs speed, never mail. */
export interface Presence {
  /** Takes the device over for `node`; gives the new epoch and who held it before. */
  claim(
    device: DeviceAddress,
    node: string,
  ): Promise<{ readonly epoch: string; readonly previous: Holder | undefined }>;
  holder(device: DeviceAddress): Promise<Holder | undefined>;
  /** Gives it up if `epoch` still holds it. */
  release(device: DeviceAddress, epoch: string): Promise<void>;
}
