import type { ClusterMail } from '../../src/dispatch/cluster-mail.ts';
import { deviceKeyOf } from '../../src/dispatch/device-key.ts';
import type { StreamClaim } from '../../src/dispatch/stream-claims.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { DeviceIncarnation } from '../../src/ports/device-incarnation.ts';
import type { DeviceKey } from '../../src/ports/ids.ts';
import type { MailEntry, MailReader } from '../../src/ports/mailbox.ts';

/** Where a stream is. */
export interface StreamNode {
  readonly name: string;
  readonly mail: ClusterMail;
  readonly clock: Clock;
  readonly gate: { readonly isDead: boolean };
  readonly streams: Set<SimStream>;
}

/** What a device got on a stream, and has not acked there. */
export interface Got {
  readonly deliveryId: Uint8Array;
  readonly name: string;
}

/** One device's connection to one node, both ends of it: what `Streams`, `Stream` and `DeliveryPump` do with a mailbox, and a client that takes what comes. */
export class SimStream {
  readonly node: StreamNode;
  readonly device: DeviceIncarnation;
  readonly key: DeviceKey;
  readonly unacked: Got[] = [];
  readonly #window: number;
  readonly #received: (stream: SimStream, entry: MailEntry) => string;
  readonly #claimed: Promise<StreamClaim | undefined>;
  readonly #reader: MailReader;
  #isReading = false;
  #isHinted = false;
  isOpen = true;
  /** Reads nothing for the time being. */
  isStuck = false;
  /** Calls of the mailbox that are not answered. */
  waiting = 0;

  constructor(
    node: StreamNode,
    device: DeviceIncarnation,
    window: number,
    received: (stream: SimStream, entry: MailEntry) => string,
  ) {
    this.node = node;
    this.device = device;
    this.key = deviceKeyOf(device);
    this.#window = window;
    this.#received = received;
    this.#reader = node.mail.mailbox.reader(device);
    this.#claimed = this.#claim();
    this.hint();
  }

  /** As `DeliveryPump.hint`. */
  hint(): void {
    this.#isHinted = true;
    if (this.#isReading || this.isStuck) return;
    this.#isReading = true;
    void this.#read().finally(() => {
      this.#isReading = false;
      if (this.#isHinted && this.isOpen && this.unacked.length < this.#window) this.hint();
    });
  }

  /** Sends an ack; what is answered is told. */
  async ack(all: readonly Got[], answered: (got: Got) => void): Promise<void> {
    for (const got of all) {
      const at = this.unacked.indexOf(got);
      if (at >= 0) this.unacked.splice(at, 1);
    }
    this.waiting++;
    try {
      await this.node.mail.mailbox.ack(
        this.device,
        all.map(({ deliveryId }) => deliveryId),
      );
      for (const got of all) answered(got);
    } catch {
      void this.close();
    }
    this.waiting--;
    if (this.isOpen) this.hint();
  }

  /** The connection ends. */
  async close(): Promise<void> {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.node.streams.delete(this);
    if (this.node.gate.isDead) return;
    this.waiting++;
    const claim = await this.#claimed;
    await claim?.release();
    this.waiting--;
  }

  async #claim(): Promise<StreamClaim | undefined> {
    try {
      const claim = await this.node.mail.claims.claim(this.device, () => void this.close());
      this.hint();
      return claim;
    } catch {
      // Its client comes again.
      queueMicrotask(() => void this.close());
      return undefined;
    }
  }

  async #read(): Promise<void> {
    while (this.isOpen && !this.isStuck && this.unacked.length < this.#window) {
      this.#isHinted = false;
      const limit = Math.min(this.#window - this.unacked.length, 5);
      this.waiting++;
      const entries = await this.#reader.next(limit, this.node.clock.now()).catch(() => undefined);
      this.waiting--;
      if (entries === undefined) void this.close();
      if (entries === undefined || !this.isOpen) return;
      for (const entry of entries)
        this.unacked.push({ deliveryId: entry.deliveryId, name: this.#received(this, entry) });
      if (entries.length < limit && !this.#isHinted) return;
    }
  }
}
