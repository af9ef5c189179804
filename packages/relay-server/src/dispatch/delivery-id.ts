import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { type DeliveryKey, type DeviceKey, laneIdOf } from './delivery-lane.ts';

/** Bytes of what a delivery is counted under in its device's quota. */
export const entryIdLength = 8;

const partitionAt = 1;
const dayAt = 3;
const koAt = 5;
const entryAt = 11;
const macAt = entryAt + entryIdLength;
const idLength = 32;
/** What the fields hold. */
const partitionEnd = 2 ** 16;
const dayEnd = 2 ** 16;
const koEnd = 2 ** 48;

/** A record's place, and under what it is counted for one device. */
export interface Delivery extends DeliveryKey {
  /** Of `entryIdLength` bytes. */
  readonly entryId: Uint8Array;
}

/**
 * Delivery ids of a cluster: each says where its record stands, so that an ack needs no look-up, on whichever node it comes in.
 *
 * 32 bytes: a byte of the topic id's hash, partition (2), day (2), offset (6), entry id (8), and 13 bytes of an HMAC-SHA-256 over these, the whole lane and the device.
 * Nobody makes one without the key, and one device's ids mean nothing to another, nor to the next that is listed under its id.
 */
export class DeliveryIds {
  readonly #key: Buffer;
  readonly #cluster: string;

  /** `secret` is the same on all nodes of the cluster. */
  constructor(secret: Uint8Array, cluster: string) {
    this.#key = Buffer.from(hkdfSync('sha256', secret, new Uint8Array(), 'sotto relay delivery id v1', 32));
    this.#cluster = cluster;
  }

  /** The same for the same delivery, always. `topicId` and `partition` are those of the lane. */
  make(
    device: DeviceKey,
    topicId: string,
    partition: number,
    ko: number,
    day: number,
    entryId: Uint8Array,
  ): Uint8Array {
    const fits = partition < partitionEnd && day < dayEnd && ko < koEnd && entryId.length === entryIdLength;
    if (!fits) throw new RangeError('a delivery id holds 65,536 partitions, days up to 2149 and offsets below 2^48');
    const id = Buffer.alloc(idLength);
    id.writeUInt8(checkOf(topicId), 0);
    id.writeUInt16BE(partition, partitionAt);
    id.writeUInt16BE(day, dayAt);
    id.writeUIntBE(ko, koAt, entryAt - koAt);
    id.set(entryId, entryAt);
    id.set(this.#macOf(id, device, topicId, partition), macAt);
    return new Uint8Array(id.buffer, id.byteOffset, id.length);
  }

  /** What an id of this device stands for, if it is of one of these topics; `undefined` for all that `make` did not make. */
  read(device: DeviceKey, id: Uint8Array, topicIds: Iterable<string>): Delivery | undefined {
    if (!isDeliveryId(id)) return undefined;
    const bytes = Buffer.from(id.buffer, id.byteOffset, id.length);
    const partition = bytes.readUInt16BE(partitionAt);
    for (const topicId of topicIds) {
      if (checkOf(topicId) !== bytes[0]) continue;
      if (!timingSafeEqual(this.#macOf(bytes, device, topicId, partition), bytes.subarray(macAt))) continue;
      return {
        lane: laneIdOf(this.#cluster, topicId, partition),
        ko: bytes.readUIntBE(koAt, entryAt - koAt),
        day: bytes.readUInt16BE(dayAt),
        entryId: id.slice(entryAt, macAt),
      };
    }
    return undefined;
  }

  #macOf(id: Uint8Array, device: DeviceKey, topicId: string, partition: number): Buffer {
    const lane = laneIdOf(this.#cluster, topicId, partition);
    const mac = createHmac('sha256', this.#key).update(id.subarray(0, macAt));
    return mac
      .update(`${lane}\n${device}`)
      .digest()
      .subarray(0, idLength - macAt);
  }
}

/** Whether it could be one, by its form. */
export function isDeliveryId(id: Uint8Array): boolean {
  return id.length === idLength;
}

/** Which of the known topics are worth an HMAC. */
const checks = new Map<string, number>();

function checkOf(topicId: string): number {
  const known = checks.get(topicId);
  if (known !== undefined) return known;
  const check = createHash('sha256').update(topicId).digest()[0] ?? 0;
  // Few topics live at a time, however many are made anew.
  if (checks.size >= 64) checks.clear();
  checks.set(topicId, check);
  return check;
}

/** What delivery ids of a cluster are made under: derived from the relay's own secret, which the nodes share, and which nobody learns from it. */
export function deliverySecretOf(relayKey: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', relayKey, new Uint8Array(), 'sotto relay deliveries v1', 32));
}
