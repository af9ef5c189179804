import { DeliveryIds } from '../../src/dispatch/delivery-id.ts';
import { laneIdOf } from '../../src/dispatch/delivery-lane.ts';
import { fetchedRecordOf, parcelOf } from '../../src/dispatch/mail-records.ts';
import type { DeviceKey, LaneId } from '../../src/ports/ids.ts';
import type { LogPosition } from '../../src/ports/mail-log.ts';
import type { MailEntry, MailOrder } from '../../src/ports/mailbox.ts';

/** A promise that was broken. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** A record for one device, from the moment on that it stands in the log. */
interface Owed {
  readonly lane: LaneId;
  readonly ko: number;
  readonly number: number;
  readonly expiresAt: number;
  received: boolean;
  acked: boolean;
  /** An ack of it was answered: in a schedule without faults it is not given again. */
  gone: boolean;
}

/** What stands in the log for whom, and what devices have got of it. It sees everything, and nobody sees it. */
export class Truth {
  readonly #ids: DeliveryIds;
  readonly #cluster: string;
  readonly #topicIds: readonly string[];
  readonly #owed = new Map<DeviceKey, Map<string, Owed>>();
  readonly #left = new Set<DeviceKey>();
  readonly #orders = new Map<number, MailOrder>();
  readonly #failedOrders = new Map<MailOrder, number>();
  readonly #stored = new Set<string>();
  readonly #slackMs: number;
  readonly #spilled = new Set<string>();
  records = 0;
  deliveries = 0;
  repeated = 0;

  /** @param slackMs How much clocks of nodes differ at most: so much before its time a record may have expired. */
  constructor(secret: Uint8Array, cluster: string, topicIds: readonly string[], slackMs: number) {
    this.#slackMs = slackMs;
    this.#ids = new DeliveryIds(secret, cluster);
    this.#cluster = cluster;
    this.#topicIds = topicIds;
  }

  /** A record is there. */
  appended(value: Uint8Array, { topicId, partition, offset }: LogPosition, at: number): void {
    const record = fetchedRecordOf({ offset, key: new Uint8Array(), value, headers: {}, appendedAt: at });
    if (record.kind === 'poison') throw new Violation('a record that its own node can not read');
    this.records++;
    const lane = laneIdOf(this.#cluster, topicId, partition);
    for (const { device, envelope } of record.parts) {
      const number = numberOf(parcelOf(envelope)?.envelope);
      this.#stored.add(`${number} ${device}`);
      this.#checkOrder(number);
      const { expiresAt } = record;
      const owed = this.#owed.get(device) ?? new Map<string, Owed>();
      this.#owed.set(device, owed);
      owed.set(`${lane}/${offset}`, {
        lane,
        ko: offset,
        number,
        expiresAt,
        received: false,
        acked: false,
        gone: false,
      });
    }
  }

  /** Of which order a send is. */
  ordered(number: number, order: MailOrder): void {
    this.#orders.set(number, order);
  }

  /** Nothing of the same order may be stored that was sent later. */
  failed(number: number): void {
    const order = this.#orders.get(number);
    if (order === undefined) return;
    if (!order.broken) throw new Violation(`send ${number} failed, and its order is not broken`);
    this.#failedOrders.set(order, Math.min(number, this.#failedOrders.get(order) ?? number));
  }

  /** A send was answered as accepted for these. */
  accepted(number: number, user: string, deviceId: number): void {
    const device = `${user}.${deviceId}.`;
    for (const name of this.#stored) if (name.startsWith(`${number} ${device}`)) return;
    throw new Violation(`send ${number} was accepted for ${device} and is not in the log`);
  }

  /** What is left of a device that is not listed any more need not be given, and must not be given to others. */
  leave(device: DeviceKey): void {
    this.#left.add(device);
  }

  /** A stream gives an entry to a device, as which it was connected. */
  received(device: DeviceKey, { deliveryId, envelope }: MailEntry, now: number, isCalm: boolean): string {
    const found = this.#ids.read(device, deliveryId, this.#topicIds);
    if (found === undefined) throw new Violation(`${device} is given an entry that is not its own`);
    const name = `${found.lane}/${found.ko}`;
    const owed = this.#owed.get(device)?.get(name);
    if (owed === undefined) throw new Violation(`${device} is given ${name}, which was never for it`);
    if (owed.number !== numberOf(envelope)) throw new Violation(`${device} is given the wrong envelope as ${name}`);
    this.deliveries++;
    if (isCalm && owed.gone && !this.#spilled.has(`${name} ${device}`))
      throw new Violation(`${device} is given ${name} again, which it had acked`);
    if (owed.received) {
      this.repeated++;
      return name;
    }
    owed.received = true;
    for (const other of this.#owed.get(device)?.values() ?? []) {
      if (other.lane === owed.lane && other.ko > owed.ko && other.received && now + this.#slackMs < owed.expiresAt)
        throw new Violation(`${device} gets ${name} for the first time after ${other.ko}`);
    }
    return name;
  }

  /** It was put into the pending store: its ack need not be kept at once. */
  spilled(device: DeviceKey, lane: LaneId, ko: number): void {
    this.#spilled.add(`${lane}/${ko} ${device}`);
  }

  acked(device: DeviceKey, name: string, how: 'sent' | 'answered'): void {
    const owed = this.#owed.get(device)?.get(name);
    if (owed === undefined) return;
    owed.acked = true;
    if (how === 'answered') owed.gone = true;
  }

  /** What has not been acked by its device, though it was there for long enough. */
  missing(now: number): string[] {
    return [...this.#owed].flatMap(([device, owed]) => {
      if (this.#left.has(device)) return [];
      return [...owed]
        .filter(([, { acked, expiresAt }]) => !acked && now + this.#slackMs < expiresAt)
        .map(([name, { received }]) => `${name} for ${device}${received ? ', which it got' : ''}`);
    });
  }

  /** All devices that ever got a record. */
  get devices(): DeviceKey[] {
    return [...this.#owed.keys()];
  }

  hasLeft(device: DeviceKey): boolean {
    return this.#left.has(device);
  }

  #checkOrder(number: number): void {
    const order = this.#orders.get(number);
    const failed = order && this.#failedOrders.get(order);
    if (failed !== undefined && number > failed)
      throw new Violation(`${number} was stored behind ${failed}, which failed`);
  }
}

/** The number that an envelope of a schedule begins with. */
export function numberOf(envelope: Uint8Array | undefined): number {
  return envelope === undefined || envelope.length < 4 ? -1 : Buffer.from(envelope).readUInt32BE(0);
}
