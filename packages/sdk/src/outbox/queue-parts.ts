import type { ClientFrameFields, SendFields } from '@sotto/proto';
import type { Clock } from '../ports/clock.ts';
import type { ChatId, GroupId, UserId } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { StoreQueries } from '../ports/store.ts';
import type { Timers } from '../ports/timers.ts';
import type { Tracer } from '../ports/tracer.ts';
import type { Departures } from './departures.ts';
import type { OutboxCommits } from './outbox-commits.ts';
import type { Pacer, SendRates } from './pacer.ts';
import type { QueueEntry } from './queue-entry.ts';
import type { Sealer } from './sealer.ts';

/** What a chat's queue works with. */
export interface ChatQueueParts {
  readonly store: StoreQueries;
  readonly sealer: Sealer;
  readonly commits: OutboxCommits;
  /** Makes sessions with all devices of a person, over the network. */
  readonly makeSessions: (userId: UserId) => Promise<void>;
  /** Takes the device list of a person over, over the network. */
  readonly learnDevices: (userId: UserId) => Promise<void>;
  /** Gets a certificate of this device, over the network. */
  readonly makeCertificate: () => Promise<void>;
  /** The relay does not take this access key of somebody. */
  readonly onKeyRefused: (userId: UserId, accessKey: Uint8Array) => void;
  /** The relay takes nothing for many people without a sender. */
  readonly onManyRefused: () => void;
  /** Hands Sends to one person, or one for many, to the relay, beside the stream, which would name their sender. Their results come as those of the stream do. */
  readonly post: (sends: readonly SendFields[]) => void;
  /** Reads a group's log to its end, over the network, and takes it over. */
  readonly refreshGroup: (groupId: GroupId) => Promise<void>;
  /** Something was put into other queues. */
  readonly onQueued: (chatIds: readonly ChatId[]) => void;
  /** Hands frames to the stream; false when it is not open. `handed` is called once their bytes were given to the socket. */
  readonly transmit: (frames: readonly ClientFrameFields[], handed: () => void) => boolean;
  /** Tells whose result a send id is. */
  readonly expectResult: (sendId: Uint8Array, entry: QueueEntry) => void;
  /** Who waits for rows of other queues. */
  readonly departures: Departures;
  /** Something failed for good, and left the outbox. */
  readonly onLeft: () => void;
  /** How fast the relay lets this account send. */
  readonly rates: () => SendRates;
  /** Counts what all chats of this device send. */
  readonly devicePacer: Pacer;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly randomness: Randomness;
  readonly tracer: Tracer;
  readonly logger: Logger;
  readonly onFailure: (error: unknown) => void;
}
