import {
  type ClientFrameFields,
  type Deliver,
  type Ephemeral,
  type SendResult,
  type ServerFrame,
  SignedDeviceList,
} from '@sotto/proto';
import type { Signals } from '../ephemeral/signals.ts';
import type { Inbox } from '../inbox/inbox.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Logger } from '../ports/logger.ts';
import { SottoError } from '../sotto-error.ts';
import type { ConnectionState } from '../transport/connection-state.ts';

/** Leads what comes over the stream to its place, in order. */
export class FrameRouter {
  private readonly inbox: Inbox;
  private readonly outbox: Outbox;
  private readonly signals: Pick<Signals, 'received'>;
  private readonly logger: Logger;
  private readonly onDrained: () => Promise<void>;
  private readonly onPrekeysLow: () => void;
  private readonly onDevices: (signed: Uint8Array) => void;
  private readonly onIdle: () => void;
  private readonly onFailure: (error: unknown) => void;

  constructor(parts: {
    readonly inbox: Inbox;
    readonly outbox: Outbox;
    readonly signals: Pick<Signals, 'received'>;
    readonly logger: Logger;
    /** Everything that was stored when the stream opened is in the store. */
    readonly onDrained: () => Promise<void>;
    readonly onPrekeysLow: () => void;
    /** The own device list is another one. */
    readonly onDevices: (signed: Uint8Array) => void;
    /** Own devices were not connected for long. */
    readonly onIdle: () => void;
    readonly onFailure: (error: unknown) => void;
  }) {
    this.inbox = parts.inbox;
    this.outbox = parts.outbox;
    this.signals = parts.signals;
    this.logger = parts.logger;
    this.onDrained = parts.onDrained;
    this.onPrekeysLow = parts.onPrekeysLow;
    this.onDevices = parts.onDevices;
    this.onIdle = parts.onIdle;
    this.onFailure = parts.onFailure;
  }

  /** All frames of one WebSocket message. */
  route(frames: readonly ServerFrame[]): void {
    const deliveries: Deliver[] = [];
    const results: SendResult[] = [];
    let drained = false;
    for (const frame of frames) {
      // The decoder gives whole messages: fields that were absent have their defaults.
      if (frame.deliver) deliveries.push(frame.deliver as Deliver);
      else if (frame.sendResult) results.push(frame.sendResult as SendResult);
      else if (frame.ephemeral) this.signals.received(frame.ephemeral as Ephemeral);
      else if (frame.queueEmpty) drained = true;
      else if (frame.prekeysLow) this.onPrekeysLow();
      else if (frame.devicesChanged?.deviceList)
        this.onDevices(SignedDeviceList.encode(frame.devicesChanged.deviceList));
      else if (frame.devicesIdle) this.onIdle();
      else if (frame.error) this.logger.warn('stream.refused', { code: frame.error.code ?? '' });
    }
    if (deliveries.length > 0) this.inbox.receive(deliveries);
    if (results.length > 0) this.outbox.settle(results).catch(this.onFailure);
    if (drained) this.inbox.idle().then(this.onDrained).catch(this.onFailure);
  }

  /** The stream opened or closed. */
  stateChanged(state: ConnectionState): void {
    if (state === 'catching-up') this.outbox.connected().catch(this.onFailure);
    if (state !== 'catching-up' && state !== 'live') {
      this.outbox.disconnected();
      this.inbox.reset();
    }
  }
}

/** The ack of deliveries that are durable. */
export function ackOf(deliveryIds: readonly Uint8Array[]): ClientFrameFields {
  return { ack: { deliveryIds: [...deliveryIds] } };
}

/** Whether an error is the end of this client: its store belongs to somebody else now, or is closed. */
export function isFatal(error: unknown): boolean {
  return error instanceof SottoError && (error.code === 'store-fenced' || error.code === 'store-closed');
}
