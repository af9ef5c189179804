import { SharedReads } from '../platform/shared-reads.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeviceIncarnation } from '../ports/device-incarnation.ts';
import type { DeviceKey, LaneId, UserId } from '../ports/ids.ts';
import type { ListedDevices } from '../ports/listed-devices.ts';
import type { MailLedger } from '../ports/mail-ledger.ts';
import type { LogPosition, MailLog } from '../ports/mail-log.ts';
import type { Mailbox } from '../ports/mailbox.ts';
import type { NodeLink } from '../ports/node-link.ts';
import type { PendingStore } from '../ports/pending-store.ts';
import type { Presence } from '../ports/presence.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { SendReceipts } from '../ports/send-receipts.ts';
import type { Timers } from '../ports/timers.ts';
import { RelayError } from '../relay-error.ts';
import { ClusterClaims } from './cluster-claims.ts';
import { ClusterMailbox } from './cluster-mailbox.ts';
import { DeliveryIds } from './delivery-id.ts';
import type { DeliveryKey } from './delivery-lane.ts';
import { Dispatcher, type HandOverOutcome, type OwnedPartition } from './dispatcher.ts';
import { GatewayInboxes } from './gateway-inboxes.ts';
import type { InboxTerms } from './inbox-state.ts';
import type { Resolution } from './lane-dispatch.ts';
import { LogJanitor } from './log-janitor.ts';
import type { MailTopics, TopicKey } from './mail-appender.ts';
import type { NodeFailure } from './node-failure.ts';
import { decodeNodeMessage, encodeNodeMessage } from './node-messages.ts';
import { decodeNodeWord, type NodeWord } from './node-words.ts';
import type { PartitionTerms } from './partition-dispatch.ts';
import type { StreamClaims } from './stream-claims.ts';

/** What one node's mail is made of. */
export interface ClusterMailParts {
  readonly log: MailLog;
  readonly pending: PendingStore;
  readonly presence: Presence;
  readonly link: NodeLink;
  readonly receipts: SendReceipts;
  readonly ledger: MailLedger;
  readonly listed: ListedDevices;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly randomness: Randomness;
  readonly jitter: () => number;
  readonly partitionTerms: PartitionTerms;
  readonly inboxTerms: InboxTerms;
  readonly cluster: string;
  readonly group: string;
  readonly topics: MailTopics & { readonly poison: string };
  /** The same on all nodes; `recipient` by default. */
  readonly topicKey?: TopicKey;
  /** The most bytes that the log takes as one record; any number by default. */
  readonly recordBytes?: number;
  /** The same on all nodes: delivery ids are made under it. */
  readonly secret: Uint8Array;
  readonly drainMs: number;
  /** How often records are deleted that all are done with, in milliseconds; without it they stay for as long as the log keeps records. */
  readonly deleteEveryMs?: number;
  /** There is something to give to a device that is connected here: look. */
  readonly hint: (device: DeviceIncarnation) => void;
  /** Another node tells something of devices that may be connected here. */
  readonly heard?: (word: NodeWord) => void;
  /** Something went wrong that costs no mail: for logs and counts. */
  readonly failed: (event: NodeFailure, error: unknown) => void;
  /** A record is durable; an inbox here has taken it; it is done with for a device; a hand-over has ended; what waits for a device is read: for counts. */
  readonly appended?: (position: LogPosition, devices: readonly DeviceIncarnation[]) => void;
  readonly delivered?: (device: DeviceKey, key: DeliveryKey, live: boolean) => void;
  readonly resolved?: (lane: LaneId, device: DeviceKey, ko: number, how: Resolution) => void;
  readonly handedOver?: (outcome: HandOverOutcome) => void;
  readonly read?: () => void;
}

/** The mail of one node of a cluster: what it takes, what it hands out of the log's partitions that are its own, and what it gives to the devices that are connected to it. */
export class ClusterMail {
  readonly mailbox: Mailbox;
  readonly #mailbox: ClusterMailbox;
  readonly #drain: Pick<ClusterMailParts, 'timers' | 'drainMs'>;
  /** For the streams of this node. */
  readonly claims: StreamClaims;
  readonly #dispatcher: Dispatcher;
  readonly #inboxes: GatewayInboxes;
  readonly #janitor: LogJanitor | undefined;

  constructor({ listed: each, ...others }: ClusterMailParts) {
    const reads = new SharedReads((userId: UserId) => each.of(userId));
    const listed: ListedDevices = { of: (userId) => reads.read(userId) };
    const parts: ClusterMailParts = { ...others, listed };
    const { topics, secret, cluster, link, group, deleteEveryMs } = parts;
    const read = [topics.toUser, topics.toGroup];
    this.#inboxes = new GatewayInboxes({ ...parts, terms: parts.inboxTerms });
    this.#dispatcher = new Dispatcher({
      ...parts,
      terms: parts.partitionTerms,
      topics: read,
      poisonTopic: topics.poison,
    });
    this.#mailbox = new ClusterMailbox({ ...parts, inboxes: this.#inboxes, ids: new DeliveryIds(secret, cluster) });
    this.mailbox = this.#mailbox;
    this.#drain = parts;
    if (deleteEveryMs !== undefined) {
      this.#janitor = new LogJanitor({ ...parts, topics: read, groups: [group], everyMs: deleteEveryMs });
    }
    this.claims = new ClusterClaims(this.#inboxes, listed);
    link.serve((from, message, { signal }) => this.#told(from, message, signal, parts.heard));
  }

  /** What is open here. */
  get inboxes(): GatewayInboxes {
    return this.#inboxes;
  }

  /** Those that this node hands out of. */
  get partitions(): readonly OwnedPartition[] {
    return this.#dispatcher.partitions;
  }

  /** Begins to hand out. @throws {RelayError} as `MailLog.consume` */
  async start(): Promise<void> {
    await this.#dispatcher.start();
    this.#janitor?.start();
  }

  /** Waits for appends that are under way, but no longer than `drainMs`; ends the inboxes, so that what nobody has acked is spilled, then gives the partitions away; log, link and stores are the caller's, and are closed after this. */
  async close(): Promise<void> {
    await this.#appended();
    await this.#janitor?.stop();
    await this.#inboxes.close();
    await this.#dispatcher.close();
  }

  /** What was stored and not recorded is refused for as long as it is claimed when it is sent again through another node. */
  async #appended(): Promise<void> {
    const { timers, drainMs } = this.#drain;
    const late = Promise.withResolvers<void>();
    const cancel = timers.after(drainMs, late.resolve);
    await Promise.race([this.#mailbox.settled(), late.promise]);
    cancel();
  }

  async #told(
    from: string,
    bytes: Uint8Array,
    signal: AbortSignal,
    heard: ClusterMailParts['heard'],
  ): Promise<Uint8Array> {
    const word = decodeNodeWord(bytes);
    if (word !== undefined) {
      heard?.(word);
      return new Uint8Array();
    }
    const message = decodeNodeMessage(bytes);
    switch (message?.kind) {
      case 'hand-over':
        return encodeNodeMessage(await this.#inboxes.handOver(from, message, signal));
      case 'hint':
      case 'taken-over':
      case 'vacated':
        this.#inboxes.told(message);
        break;
      case 'caught-up':
        this.#dispatcher.caughtUp(message);
        break;
      case 'answer':
      case undefined:
        throw new RelayError('frame-malformed', 'A node says what this release does not know.');
    }
    return new Uint8Array();
  }
}
