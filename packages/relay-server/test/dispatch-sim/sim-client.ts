import type { DeliveryKey, DeviceKey } from '../../src/dispatch/delivery-lane.ts';

/** A connection of a device: what is under way on it, and whether each side takes it for open. */
export interface SimConn {
  readonly id: number;
  readonly client: SimClient;
  readonly node: number;
  readonly openedAt: number;
  readonly down: DeliveryKey[];
  readonly up: DeliveryKey[];
  clientOpen: boolean;
  serverOpen: boolean;
  reason: 'replaced' | 'reconnect' | undefined;
}

/** A device with its client. */
export interface SimClient {
  readonly device: DeviceKey;
  /** The newest connection. */
  conn: SimConn | undefined;
  /** Received, not acked; with the connection that it came by. */
  readonly got: { readonly key: DeliveryKey; readonly conn: SimConn }[];
  /** Does not come back by itself: it was told `replaced`. */
  stays: boolean;
}
