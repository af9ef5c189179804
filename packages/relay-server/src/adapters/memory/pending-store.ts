import { dayOf } from '../../platform/utc-day.ts';
import type { DeviceKey, LaneId } from '../../ports/ids.ts';
import type {
  PendingMail,
  PendingPage,
  PendingPlace,
  PendingRow,
  PendingStore,
  PendingView,
} from '../../ports/pending-store.ts';

interface PendingLane {
  cursor: number;
  readonly mail: Map<number, PendingMail>;
  /** Forgotten by themselves, above the cursor. */
  readonly acked: Set<number>;
}

/** Spilled mail in memory. */
export class MemoryPendingStore implements PendingStore {
  readonly #devices = new Map<DeviceKey, Map<LaneId, PendingLane>>();
  readonly #forgotten = new Set<DeviceKey>();

  async spill(rows: readonly PendingRow[], now: number): Promise<void> {
    for (const { device, lane: name, ko, time, expiresAt, envelope } of rows) {
      if (this.#forgotten.has(device) || now >= expiresAt) continue;
      const lane = this.#lane(device, name);
      if (ko > lane.cursor && !lane.acked.has(ko)) lane.mail.set(ko, { ko, time, expiresAt, envelope });
    }
  }

  async view(device: DeviceKey): Promise<PendingView> {
    const lanes = [...(this.#devices.get(device) ?? [])].sort(([one], [other]) => (one < other ? -1 : 1));
    return {
      cursors: lanes.flatMap(([lane, { cursor }]) => (cursor < 0 ? [] : [{ lane, ko: cursor }])),
      spans: lanes.flatMap(([lane, { mail }]) => {
        if (mail.size === 0) return [];
        const days = new Set([...mail.values()].map(({ time }) => dayOf(time)));
        const [first, last] = [Math.min(...mail.keys()), Math.max(...mail.keys())];
        return [{ lane, first, last, days: [...days].sort((one, other) => one - other) }];
      }),
    };
  }

  async page({ device, lane, after, upTo, limit, now }: PendingPage): Promise<readonly PendingMail[]> {
    const mail = [...(this.#devices.get(device)?.get(lane)?.mail.values() ?? [])];
    return mail
      .filter(({ ko, expiresAt }) => ko > after && ko <= upTo && now < expiresAt)
      .sort((one, other) => one.ko - other.ko)
      .slice(0, limit);
  }

  async forgetUpTo(device: DeviceKey, name: LaneId, upTo: number): Promise<void> {
    if (this.#forgotten.has(device)) return;
    const lane = this.#lane(device, name);
    lane.cursor = Math.max(lane.cursor, upTo);
    for (const ko of lane.mail.keys()) if (ko <= upTo) lane.mail.delete(ko);
    for (const ko of lane.acked) if (ko <= upTo) lane.acked.delete(ko);
  }

  async forgetOne(device: DeviceKey, { lane: name, ko }: PendingPlace): Promise<void> {
    if (this.#forgotten.has(device)) return;
    const lane = this.#lane(device, name);
    lane.mail.delete(ko);
    if (ko > lane.cursor) lane.acked.add(ko);
  }

  async forget(device: DeviceKey): Promise<void> {
    this.#forgotten.add(device);
    this.#devices.delete(device);
  }

  #lane(device: DeviceKey, name: LaneId): PendingLane {
    const lanes = this.#devices.get(device) ?? new Map<LaneId, PendingLane>();
    this.#devices.set(device, lanes);
    const lane = lanes.get(name) ?? { cursor: -1, mail: new Map(), acked: new Set() };
    lanes.set(name, lane);
    return lane;
  }
}
