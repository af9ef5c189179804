import { MemoryMailLog } from '../../src/adapters/memory/mail-log.ts';
import type { MemoryLogBroker } from '../../src/adapters/memory/memory-log-broker.ts';
import { ClusterMail } from '../../src/dispatch/cluster-mail.ts';
import type { InboxTerms } from '../../src/dispatch/inbox-state.ts';
import type { PartitionTerms } from '../../src/dispatch/partition-dispatch.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { ListedDevices } from '../../src/ports/listed-devices.ts';
import type { MailLedger } from '../../src/ports/mail-ledger.ts';
import type { LogPosition } from '../../src/ports/mail-log.ts';
import type { MailOrder } from '../../src/ports/mailbox.ts';
import type { NodeLink } from '../../src/ports/node-link.ts';
import type { PendingStore } from '../../src/ports/pending-store.ts';
import type { Presence } from '../../src/ports/presence.ts';
import type { SendReceipts } from '../../src/ports/send-receipts.ts';
import type { SimRandom } from '../dispatch-sim/sim-random.ts';
import type { ManualTime } from '../manual-time.ts';
import { Gate, gated, gatedLog } from './gate.ts';
import type { SimStream } from './sim-stream.ts';

/** What all nodes of a schedule share. */
export interface Shared {
  readonly random: SimRandom;
  readonly time: ManualTime;
  readonly broker: MemoryLogBroker;
  readonly pending: PendingStore;
  readonly presence: Presence;
  readonly receipts: SendReceipts;
  readonly ledger: MailLedger;
  readonly listed: ListedDevices;
  readonly secret: Uint8Array;
  readonly partitionTerms: PartitionTerms;
  readonly inboxTerms: InboxTerms;
  readonly appended: (value: Uint8Array, position: LogPosition, at: number) => void;
  readonly struck: (what: string) => void;
}

export const cluster = 'schedule';
export const group = 'dispatchers';
export const topics = { toUser: 'to-user', toGroup: 'to-group', poison: 'poison' };

/** One node: the real mail of a cluster behind a gate, and the streams that are connected to it. */
export class ScheduleNode {
  readonly name: string;
  readonly gate: Gate;
  readonly mail: ClusterMail;
  readonly link: NodeLink;
  readonly streams = new Set<SimStream>();
  /** How far its clock is from that of the others. */
  skew: number;
  readonly clock: Clock;
  readonly failures = new Map<string, number>();
  readonly #log: MemoryMailLog;
  isLeaving = false;
  /** Sends that are not answered. */
  appending = 0;
  order: MailOrder = { broken: false };

  constructor(name: string, link: NodeLink, skew: number, shared: Shared) {
    const { random, time, broker, secret, partitionTerms, inboxTerms, appended, struck } = shared;
    this.name = name;
    this.link = link;
    this.skew = skew;
    this.clock = { now: () => time.now() + this.skew };
    this.gate = new Gate(random, time, struck);
    let at = 0;
    const logClock = {
      now: () => {
        at = time.now();
        return at;
      },
    };
    this.#log = new MemoryMailLog({ broker, clock: logClock, timers: time });
    this.mail = new ClusterMail({
      log: gatedLog(this.#log, this.gate, (topic, value, position) => {
        if (topic !== topics.poison) appended(value, position as LogPosition, at);
      }),
      pending: gated(shared.pending, 'pending', this.gate),
      presence: gated(shared.presence, 'presence', this.gate),
      receipts: gated(shared.receipts, 'receipts', this.gate),
      ledger: gated(shared.ledger, 'ledger', this.gate),
      listed: gated(shared.listed, 'listed', this.gate),
      link,
      clock: this.clock,
      timers: this.gate.timers,
      randomness: { bytes: (count) => Uint8Array.from({ length: count }, () => random.below(256)) },
      jitter: () => random.unit(),
      partitionTerms,
      inboxTerms,
      cluster,
      group,
      topics,
      secret,
      drainMs: 3_000,
      hint: (device) => {
        for (const stream of this.streams)
          if (stream.device.userId === device.userId && stream.device.deviceId === device.deviceId) stream.hint();
      },
      failed: (event) => this.failures.set(event, (this.failures.get(event) ?? 0) + 1),
    });
  }

  /** Dies without a word. */
  crash(): void {
    this.gate.die();
    this.#log.freeze();
    for (const stream of [...this.streams]) void stream.close();
  }

  /** Goes as a relay does that is told to: streams first. */
  async close(): Promise<void> {
    this.isLeaving = true;
    await Promise.all([...this.streams].map((stream) => stream.close()));
    await this.mail.close();
    await Promise.all([this.#log.close(), this.link.close()]);
  }
}
