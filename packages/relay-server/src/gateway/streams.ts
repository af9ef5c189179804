import type { WebSocket } from 'ws';
import type { ConnectedDevices } from '../dispatch/connected-devices.ts';
import type { StreamClaim, StreamClaims } from '../dispatch/stream-claims.ts';
import type { MailDevice } from '../ports/mailbox.ts';
import type { CancelTimer } from '../ports/timers.ts';
import { RelayError } from '../relay-error.ts';
import { Stream } from './stream.ts';
import type { StreamParts } from './stream-parts.ts';

/** What `Streams` works with. */
export interface StreamsParts extends Omit<StreamParts, 'onEnding'> {
  readonly connected: ConnectedDevices;
  readonly claims: StreamClaims;
}

/** All open streams of this process: opens, watches and drains them. */
export class Streams {
  readonly #parts: StreamsParts;
  readonly #shared: StreamParts;
  readonly #all = new Set<Stream>();
  readonly #releases = new Set<Promise<void>>();
  #whenEmpty: (() => void) | undefined;
  #cancelTicks: CancelTimer | undefined;

  constructor(parts: StreamsParts) {
    this.#parts = parts;
    this.#shared = {
      ...parts,
      onEnding: (stream) => {
        if (!(stream instanceof Stream)) return;
        parts.connected.detach(stream.device.userId, stream.device.deviceId, stream);
      },
    };
  }

  /** Begins to watch for silent streams. */
  start(): void {
    this.#cancelTicks = this.#parts.timers.every(Math.ceil(this.#parts.stream.idleTimeoutMs / 4), () => {
      for (const stream of this.#all) stream.tick();
    });
  }

  /** A WebSocket whose device is known: it takes the place of the device's stream before, here at once and in presence when that has heard of it. */
  open(socket: WebSocket, device: MailDevice): void {
    const { connected, counts } = this.#parts;
    const stream = new Stream(this.#shared, socket, device, (closed) => {
      this.#all.delete(closed);
      counts.connections.set(this.#all.size);
      this.#release(claimed.then((claim) => claim?.release()));
      if (this.#all.size === 0) this.#whenEmpty?.();
    });
    this.#all.add(stream);
    counts.streamsOpened.add(1);
    counts.connections.set(this.#all.size);
    connected.attach(device.userId, device.deviceId, stream);
    const claimed = this.#claim(stream);
  }

  /**
   * Tells every client that the relay goes down, gives the results that are due, closes, and waits for the closes; after `graceMs` it waits no more.
   */
  async drain(retryAfterMs: number, graceMs: number): Promise<void> {
    this.#cancelTicks?.();
    const streams = [...this.#all];
    await Promise.all(streams.map((stream) => stream.drain(retryAfterMs)));
    if (this.#all.size > 0) {
      const empty = new Promise<void>((resolve) => {
        this.#whenEmpty = resolve;
      });
      const cancel = this.#parts.timers.after(graceMs, () => {
        for (const stream of this.#all) stream.terminate();
      });
      await empty;
      cancel();
    }
    await Promise.all(streams.map((stream) => stream.settled()));
    await Promise.all(this.#releases);
  }

  /** Without a claim the stream is slower than others, and misses nothing. */
  async #claim(stream: Stream): Promise<StreamClaim | undefined> {
    const { claims, logger } = this.#parts;
    try {
      const claim = await claims.claim(
        stream.device,
        (why) => stream.end(why),
        (device) => stream.name(device),
      );
      // What came for it meanwhile was told to the holder before.
      stream.hint();
      return claim;
    } catch (error) {
      logger.warn('presence.claim-failed', { code: error instanceof RelayError ? error.code : 'internal' });
      return undefined;
    }
  }

  #release(releasing: Promise<void>): void {
    const tracked: Promise<void> = releasing
      .catch(() => this.#parts.logger.warn('presence.release-failed'))
      .then(() => {
        this.#releases.delete(tracked);
      });
    this.#releases.add(tracked);
  }
}
