import type { DeviceAddress } from '../ports/ids.ts';
import type { Presence } from '../ports/presence.ts';
import type { StreamEnd } from './connected-devices.ts';

/** What a stream holds while it is open. */
export interface StreamClaim {
  /** The stream has ended. */
  release(): Promise<void>;
}

/** Where a node says which devices have a stream here. */
export interface StreamClaims {
  /**
   * A stream was opened: the device is this stream's from now on, wherever it was before.
   * @param lost the device is this stream's no more: called at most once
   */
  claim(device: DeviceAddress, lost: (why: StreamEnd) => void): Promise<StreamClaim>;
}

/** For a relay of one process: nobody else takes a device. */
export function presenceClaims(presence: Presence, node: string): StreamClaims {
  return {
    async claim(device) {
      const { epoch } = await presence.claim(device, node);
      return { release: () => presence.release(device, epoch) };
    },
  };
}
