import type { UserId } from '../ports/ids.ts';
import type { PrekeysLeft } from '../ports/prekey-store.ts';

/** Why the relay ends a stream from its own side. */
export type StreamEnd = 'replaced' | 'session-ended';

/** A device's open stream, as the rest of the relay sees it. */
export interface DeviceStream {
  /** There may be new mail: look. */
  hint(): void;
  /** Hands over an ephemeral signal; dropped when the device reads too slowly. */
  ephemeral(signal: { readonly userId: Uint8Array; readonly deviceId: number; readonly payload: Uint8Array }): void;
  prekeysLeft(left: PrekeysLeft): void;
  end(reason: StreamEnd): void;
}

/** Who is connected to this process. */
export class ConnectedDevices {
  readonly #streams = new Map<UserId, Map<number, DeviceStream>>();

  get(userId: UserId, deviceId: number): DeviceStream | undefined {
    return this.#streams.get(userId)?.get(deviceId);
  }

  /** Makes `stream` the device's own; the one before it ends as replaced. */
  attach(userId: UserId, deviceId: number, stream: DeviceStream): void {
    let ofUser = this.#streams.get(userId);
    if (ofUser === undefined) {
      ofUser = new Map();
      this.#streams.set(userId, ofUser);
    }
    const before = ofUser.get(deviceId);
    ofUser.set(deviceId, stream);
    before?.end('replaced');
  }

  /** Harmless when another stream has taken the place. */
  detach(userId: UserId, deviceId: number, stream: DeviceStream): void {
    const ofUser = this.#streams.get(userId);
    if (ofUser?.get(deviceId) !== stream) return;
    ofUser.delete(deviceId);
    if (ofUser.size === 0) this.#streams.delete(userId);
  }

  /** Ends the streams of a user's devices, but for those that are still listed. */
  endOf(userId: UserId, stillListed: readonly { readonly deviceId: number }[] = []): void {
    for (const [deviceId, stream] of [...(this.#streams.get(userId) ?? [])]) {
      if (!stillListed.some((device) => device.deviceId === deviceId)) stream.end('session-ended');
    }
  }
}
