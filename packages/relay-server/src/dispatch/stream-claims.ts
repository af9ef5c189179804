import type { MailDevice } from '../ports/mailbox.ts';
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
   * @param named as whom the device is claimed, before anything can be given to it: called at most once; not called, the stream is nobody's
   */
  claim(device: MailDevice, lost: (why: StreamEnd) => void, named?: (device: MailDevice) => void): Promise<StreamClaim>;
}

/** For a relay of one process: nobody else takes a device. */
export function presenceClaims(presence: Presence, node: string): StreamClaims {
  return {
    async claim(device, _, named) {
      // One that has left the list leaves nothing that is another's later.
      named?.(device);
      const { epoch } = await presence.claim(device, node);
      return { release: () => presence.release(device, epoch) };
    },
  };
}
