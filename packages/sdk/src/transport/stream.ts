import type { ClientFrameFields, ServerFrame } from '@sotto/proto';
import type { ConnectionState, EndReason, OfflineReason } from './connection-state.ts';

/** What the relay said when it opened the stream. */
export interface StreamHello {
  /** By the relay's clock. */
  readonly serverTime: number;
  /** The most deliveries without an ack. */
  readonly inFlight: number;
  readonly maxMessageBytes: number;
  /** How many sends to one account at once, and then a second; 0 = no limit: to one whose access key is shown, and to others. */
  readonly contactRate: { readonly burst: number; readonly perSecond: number };
  readonly strangerRate: { readonly burst: number; readonly perSecond: number };
  /** The same for all sends of this device, whoever they go to. */
  readonly deviceRate: { readonly burst: number; readonly perSecond: number };
}

/** What a stream tells its owner, one call at a time. */
export interface StreamHandlers {
  /** `retryAt` by this device's clock. */
  stateChanged(
    state: ConnectionState,
    detail: { readonly retryAt?: number; readonly reason?: OfflineReason | EndReason },
  ): void;
  /** Frames may be sent from here on. */
  opened(hello: StreamHello): void;
  /** All frames of one WebSocket message, in order; Hello, Pong and Drain are handled inside. */
  received(frames: readonly ServerFrame[]): void;
}

/** One stream to the relay, kept alive. */
export interface Stream {
  readonly state: ConnectionState;
  /** The relay's clock minus this device's, in milliseconds, as of the last hello; 0 before. */
  readonly serverClockOffset: number;
  /** Bytes that have not left yet. */
  readonly bufferedBytes: number;
  /** Connects, and from then on reconnects by itself. Harmless when it runs. */
  start(): void;
  /** Sends what was given, closes, and ends all timers. Idempotent. */
  stop(): Promise<void>;
  /** The network may be back: connects now, or makes sure that the connection still works. Also leaves `replaced`. */
  wake(): void;
  /**
   * Gives frames to the relay; those given in one turn leave in as few WebSocket messages as may be. False = not open, nothing was sent.
   * @param handed called once their bytes were handed to the socket; never, when the connection ended before
   * @throws {SottoError} `argument-invalid` when a frame is too large
   */
  send(frames: readonly ClientFrameFields[], handed?: () => void): boolean;
}
