import { uuidToText } from '@sotto/proto';
import { RelayError } from '@sotto/relay-server';
import type { ClusterEngines, DeviceId, DeviceKey, UserId } from '@sotto/relay-server/ports';
import type { DevicePlace, RelayBooks } from './soak-relays.ts';

/** How a cluster's log is read. */
export interface BookNames {
  readonly topics: readonly string[];
  readonly group: string;
}

const pageRows = 1_000;

/** Asks the engines of a cluster, beside its nodes. */
export class ClusterBooks implements RelayBooks {
  readonly #engines: Pick<ClusterEngines, 'stores' | 'log' | 'pending' | 'listed'>;
  readonly #names: BookNames;

  constructor(engines: ClusterEngines, names: BookNames) {
    this.#engines = engines;
    this.#names = names;
  }

  async isListed(device: DevicePlace): Promise<boolean | undefined> {
    return amidFaults(async () => (await this.#keyOf(device)) !== undefined);
  }

  async hasPrekeys({ user, device }: DevicePlace): Promise<boolean> {
    const address = { userId: uuidToText(user) as UserId, deviceId: device as DeviceId };
    // Takes a one-time key, once: where there is none to begin a session with there is nothing to take.
    return (await amidFaults(async () => (await this.#engines.stores.prekeys.take(address)) !== undefined)) ?? false;
  }

  /** Rows that wait, and records that are not done with; one when nobody answers. */
  async mailLeft(devices: readonly DevicePlace[]): Promise<number> {
    return (await amidFaults(() => this.#mailLeft(devices))) ?? 1;
  }

  async #mailLeft(devices: readonly DevicePlace[]): Promise<number> {
    const { log, pending } = this.#engines;
    let left = 0;
    for (const topic of this.#names.topics) {
      const committed = await log.committed(this.#names.group, topic);
      for (const { partition, earliest, end } of (await log.describe(topic))?.partitions ?? []) {
        const done = committed.find((position) => position.partition === partition)?.offset ?? 0;
        left += Math.max(0, end - Math.max(earliest, done));
      }
    }
    for (const device of devices) {
      const key = await this.#keyOf(device);
      if (key === undefined) continue;
      const { cursors, spans } = await pending.view(key);
      for (const { lane, last } of spans) {
        const after = cursors.find((cursor) => cursor.lane === lane)?.ko ?? -1;
        if (last <= after) continue;
        const page = { device: key, lane, after, upTo: last, limit: pageRows, now: Date.now() };
        left += (await pending.page(page)).length;
      }
    }
    return left;
  }

  /** Under which what waits for a device stands; undefined when it is not listed. */
  async #keyOf({ user, device }: DevicePlace): Promise<DeviceKey | undefined> {
    const userId = uuidToText(user);
    const listed = await this.#engines.listed.of(userId as UserId);
    const incarnation = listed.status === 'listed' ? listed.incarnations.get(device) : undefined;
    return incarnation === undefined ? undefined : (`${userId}.${device}.${incarnation}` as DeviceKey);
  }
}

/** Nothing when nobody answers just now. */
async function amidFaults<Value>(ask: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof RelayError && error.retryable) return undefined;
    throw error;
  }
}
