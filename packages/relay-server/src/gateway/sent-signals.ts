import { type ClientFrame, uuidToText } from '@sotto/proto';
import { afterOne, waitOf } from '../limits/pace.ts';
import type { Sender } from '../mailbox/ingress.ts';
import type { DeviceAddress } from '../ports/ids.ts';
import type { StreamParts } from './stream-parts.ts';

/** The most bytes of an ephemeral signal's payload. */
export const signalBytes = 4 * 1024;
const userBytes = 16;

/** An ephemeral signal as a client sends it. */
export type EphemeralFrame = NonNullable<ClientFrame['ephemeral']>;

/** The ephemeral signals that one stream sends: as many as its pace lets through are handed on, the others are dropped. */
export class SentSignals {
  readonly #parts: Pick<StreamParts, 'reach' | 'clock' | 'limits' | 'counts'>;
  readonly #sender: Sender;
  #fullAt = 0;

  constructor(parts: Pick<StreamParts, 'reach' | 'clock' | 'limits' | 'counts'>, sender: Sender) {
    this.#parts = parts;
    this.#sender = sender;
  }

  take({ userId, deviceId, payload }: EphemeralFrame): 'taken' | 'too-large' {
    const { reach, clock, limits, counts } = this.#parts;
    const signal = {
      userId: this.#sender.userBytes,
      deviceId: this.#sender.deviceId,
      payload: payload ?? new Uint8Array(),
    };
    if (signal.payload.length > signalBytes) return 'too-large';
    const now = clock.now();
    const limit = limits.ephemeralsPerStream;
    const next = afterOne(this.#fullAt, limit, now);
    if (waitOf(next, limit, now) > 0) {
      counts.ephemeralsLimited.add(1);
      return 'taken';
    }
    this.#fullAt = next;
    if (userId?.length !== userBytes) counts.ephemeralsDropped.add(1);
    else
      reach.ephemeral(this.#sender, { userId: uuidToText(userId), deviceId: deviceId ?? 0 } as DeviceAddress, signal);
    return 'taken';
  }
}
