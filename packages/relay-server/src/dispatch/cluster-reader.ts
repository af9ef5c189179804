import { dayOf } from '../platform/utc-day.ts';
import type { DeviceIncarnation } from '../ports/device-incarnation.ts';
import type { DeviceKey, LaneId } from '../ports/ids.ts';
import type { ListedDevices } from '../ports/listed-devices.ts';
import type { MailDevice, MailEntry, MailReader } from '../ports/mailbox.ts';
import type { PendingStore } from '../ports/pending-store.ts';
import type { DeliveryIds } from './delivery-id.ts';
import { type DeliveryKey, type LaneMail, partitionOfLane } from './delivery-lane.ts';
import { deviceKeyOf, namedDevice } from './device-key.ts';
import type { GatewayInboxes } from './gateway-inboxes.ts';
import { parcelOf } from './mail-records.ts';
import type { NodeFailure } from './node-failure.ts';
import type { OpenInbox } from './open-inbox.ts';

/** What a `ClusterReader` works with. */
export interface ClusterReaderParts {
  readonly inboxes: GatewayInboxes;
  readonly pending: PendingStore;
  readonly listed: ListedDevices;
  readonly ids: DeliveryIds;
  /** Up to when mail has been swept: what ended by then is gone, whatever time it is. */
  readonly sweptAt: () => number;
  /** An entry of a topic was given: its ack is going to come. */
  readonly given: (topicId: string) => void;
  /** Something went wrong, and nothing is lost by it that could be read. */
  readonly failed: (event: NodeFailure, error: unknown) => void;
}

interface Found {
  readonly key: DeliveryKey;
  readonly mail: LaneMail;
}

/**
 * Walks what there is for one device: as it is named, or as it is listed when it is read first.
 *
 * From the inbox of the device's stream at this node when there is one: at most its window of entries that are not acked. From the pending store without one: there is everything then, sooner or later.
 * Within a lane both give in the order of offsets, so that this needs to remember no more than how far it has given each lane, and may go on with the one where it was with the other.
 */
export class ClusterReader implements MailReader {
  readonly #address: MailDevice;
  readonly #parts: ClusterReaderParts;
  readonly #given = new Map<LaneId, number>();
  /** As whom the device was listed at the first reading. */
  #first: DeviceIncarnation | undefined;

  constructor(address: MailDevice, parts: ClusterReaderParts) {
    this.#address = address;
    this.#parts = parts;
  }

  async next(limit: number, time: number): Promise<readonly MailEntry[]> {
    const now = Math.max(time, this.#parts.sweptAt());
    const device = namedDevice(await this.#parts.listed.of(this.#address.userId), this.#address);
    this.#first ??= device;
    if (device === undefined || device.incarnation !== this.#first?.incarnation) return [];
    const inbox = this.#parts.inboxes.of(device);
    const found =
      inbox === undefined ? await this.#stored(device, limit, now) : await this.#delivered(inbox, limit, now);
    const key = deviceKeyOf(device);
    return found.flatMap((each) => this.#entryOf(key, each));
  }

  async #delivered(inbox: OpenInbox, limit: number, now: number): Promise<readonly Found[]> {
    let pages = this.#leftIn(inbox, now);
    while (sizeOf(pages) < limit && (await inbox.progress())) pages = this.#leftIn(inbox, now);
    const found = this.#oldest(pages, limit);
    const ended = [...inbox.entries].filter(({ mail }) => now >= mail.expiresAt).map(({ key }) => key);
    // Nobody will ack them: as settled as what was acked.
    if (ended.length > 0) await inbox.acked(ended);
    return found;
  }

  /** Of each lane, what was not given. */
  #leftIn(inbox: OpenInbox, now: number): Found[][] {
    const pages = new Map<LaneId, Found[]>();
    for (const { key, mail } of inbox.entries) {
      if (key.ko <= this.#givenOf(key.lane) || now >= mail.expiresAt) continue;
      const page = pages.get(key.lane) ?? [];
      page.push({ key, mail });
      pages.set(key.lane, page);
    }
    return [...pages.values()];
  }

  async #stored(device: DeviceIncarnation, limit: number, now: number): Promise<readonly Found[]> {
    const { pending } = this.#parts;
    const key = deviceKeyOf(device);
    const { spans } = await pending.view(key);
    const pages = await Promise.all(
      spans.map(async ({ lane, last }) => {
        const after = this.#givenOf(lane);
        if (last <= after) return [];
        const rows = await pending.page({ device: key, lane, after, upTo: last, limit, now });
        return rows.map((mail): Found => ({ key: { lane, ko: mail.ko, day: dayOf(mail.time) }, mail }));
      }),
    );
    return this.#oldest(pages, limit);
  }

  /** Of all lanes, by the log's time, each lane in its order: they are given now. */
  #oldest(pages: readonly Found[][], limit: number): readonly Found[] {
    const found: Found[] = [];
    while (found.length < limit) {
      const next = pages
        .filter((page) => page.length > 0)
        .reduce<Found[] | undefined>(earlier, undefined)
        ?.shift();
      if (next === undefined) break;
      this.#given.set(next.key.lane, next.key.ko);
      found.push(next);
    }
    return found;
  }

  #entryOf(device: DeviceKey, { key, mail }: Found): MailEntry[] {
    const parcel = parcelOf(mail.envelope);
    if (parcel === undefined) {
      this.#parts.failed('pending.unreadable', undefined);
      return [];
    }
    const { topicId, partition } = partitionOfLane(key.lane);
    this.#parts.given(topicId);
    const deliveryId = this.#parts.ids.make(device, topicId, partition, key.ko, key.day, parcel.entryId);
    return [{ deliveryId, envelope: parcel.envelope }];
  }

  #givenOf(lane: LaneId): number {
    return this.#given.get(lane) ?? -1;
  }
}

function sizeOf(pages: readonly Found[][]): number {
  return pages.reduce((size, page) => size + page.length, 0);
}

/** The one of two pages whose first row the log took first. */
function earlier(one: Found[] | undefined, other: Found[]): Found[] {
  const [time, otherTime] = [one?.[0]?.mail.time ?? Number.POSITIVE_INFINITY, other[0]?.mail.time ?? 0];
  return one === undefined || otherTime < time ? other : one;
}
