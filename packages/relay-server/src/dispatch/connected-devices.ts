import type { DeviceAddress, DeviceId, UserId } from '../ports/ids.ts';
import type { PrekeysLeft } from '../ports/prekey-store.ts';

/** Why the relay ends a stream from its own side. `reconnect`: it is not known any more which of several streams is the device's own; its client comes again, and that one is. `failed`: this node can't serve it now. */
export type StreamEnd = 'replaced' | 'session-ended' | 'reconnect' | 'failed';

/** Which streams of a user end: those of these devices alone, or all but theirs. */
export interface Ending {
  readonly which: 'only' | 'but';
  readonly deviceIds: readonly number[];
}

/** An ephemeral signal, with who sends it. */
export interface EphemeralSignal {
  /** The 16 bytes of a user id. */
  readonly userId: Uint8Array;
  readonly deviceId: number;
  readonly payload: Uint8Array;
}

/** A device's open stream, as the rest of the relay sees it. */
export interface DeviceStream {
  /** There may be new mail: look. */
  hint(): void;
  /** Hands over an ephemeral signal; dropped when the device reads too slowly. */
  ephemeral(signal: EphemeralSignal): void;
  prekeysLeft(left: PrekeysLeft): void;
  /** Another device of the account has changed its list: an encoded SignedDeviceList. */
  devicesChanged(signed: Uint8Array): void;
  /** Tells the primary which devices of the account are idle. */
  devicesIdle(deviceIds: readonly number[]): void;
  end(reason: StreamEnd): void;
}

/** A device with its stream. */
export interface Attached {
  readonly deviceId: number;
  readonly stream: DeviceStream;
}

/** Who is connected to this process. */
export class ConnectedDevices {
  /** Lists, since most users have one device and a map takes more memory than a list of one. */
  readonly #streams = new Map<UserId, readonly Attached[]>();

  get(userId: UserId, deviceId: number): DeviceStream | undefined {
    const ofUser = this.#streams.get(userId);
    if (ofUser !== undefined) for (const attached of ofUser) if (attached.deviceId === deviceId) return attached.stream;
    return undefined;
  }

  /** A user's devices that are connected. */
  of(userId: UserId): readonly Attached[] {
    return this.#streams.get(userId) ?? [];
  }

  /** All devices that are connected now. */
  all(): DeviceAddress[] {
    return [...this.#streams].flatMap(([userId, attached]) =>
      attached.map(({ deviceId }) => ({ userId, deviceId: deviceId as DeviceId })),
    );
  }

  /** Makes `stream` the device's own; the one before it ends as replaced. */
  attach(userId: UserId, deviceId: number, stream: DeviceStream): void {
    const before = this.get(userId, deviceId);
    this.#streams.set(userId, [...this.#others(userId, deviceId), { deviceId, stream }]);
    before?.end('replaced');
  }

  /** Harmless when another stream has taken the place. */
  detach(userId: UserId, deviceId: number, stream: DeviceStream): void {
    if (this.get(userId, deviceId) !== stream) return;
    const others = this.#others(userId, deviceId);
    if (others.length === 0) this.#streams.delete(userId);
    else this.#streams.set(userId, others);
  }

  /** Ends streams of a user whose session is over. `signed`, an encoded SignedDeviceList, is shown to them before: whoever was taken off sees it by the root key's signature, and need not believe this relay. */
  endOf(userId: UserId, { which, deviceIds }: Ending, signed?: Uint8Array): void {
    for (const { deviceId, stream } of this.#streams.get(userId) ?? []) {
      if (deviceIds.includes(deviceId) !== (which === 'only')) continue;
      if (signed !== undefined && signed.length > 0) stream.devicesChanged(signed);
      stream.end('session-ended');
    }
  }

  #others(userId: UserId, deviceId: number): readonly Attached[] {
    return (this.#streams.get(userId) ?? []).filter((attached) => attached.deviceId !== deviceId);
  }
}
