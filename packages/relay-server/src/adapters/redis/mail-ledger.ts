import { createHash } from 'node:crypto';
import type { DeviceIncarnation } from '../../ports/device-incarnation.ts';
import type { LedgerEntry, MailLedger } from '../../ports/mail-ledger.ts';
import type { MailQuota, MailUsage } from '../../ports/mailbox.ts';
import { checkLedgerEntry, isLedgerId } from '../ledger-bounds.ts';
import { forget, release, reserve, sweep, usage } from './mail-ledger-scripts.ts';
import { keyText, type RedisDatabase } from './redis-database.ts';

/** Users are spread over this many hash tags. Another number forgets what was held. */
const shards = 256;
/** How many ids one script releases. */
const releasedAtOnce = 1_000;
/** How many devices are looked at of which it is listed that they have what ends first. */
const endsCorrected = 50;
/** How many devices one look at a shard finds. */
const devicesAtOnce = 100;

/** Where a device's entries are. */
interface Place {
  /** The device, in the index. */
  readonly name: string;
  /** The index of its shard, then the device's own key. */
  readonly keys: readonly [string, string];
}

/**
 * What devices hold, of all nodes: one hash a device, with its sums in it, and one sorted set a shard that says when the next entry of each device expires. Both are changed by one script, so a crash leaves no half of it.
 *
 * All keys of one user have one hash tag, which it shares with one in {@link shards} of all users. A device is known by a digest: nothing in Redis names it.
 * Scripts look at about a thousand entries at most, however many a device holds: a sweep of a large one goes on where the last step of whichever node has stopped. Devices that hold nothing take up nothing.
 */
export class RedisMailLedger implements MailLedger {
  readonly #database: RedisDatabase;

  constructor(database: RedisDatabase) {
    this.#database = database;
  }

  async reserve(entries: readonly LedgerEntry[], quota: MailQuota): Promise<readonly ('accepted' | 'full')[]> {
    for (const entry of entries) checkLedgerEntry(entry);
    const byUser = new Map<string, { readonly entry: LedgerEntry; readonly at: number }[]>();
    for (const [at, entry] of entries.entries()) {
      const { userId } = entry.device;
      const ofUser = byUser.get(userId) ?? [];
      ofUser.push({ entry, at });
      byUser.set(userId, ofUser);
    }
    const statuses = entries.map((): 'accepted' | 'full' => 'full');
    await Promise.all(
      [...byUser.values()].map(async (ofUser) => {
        const answers = await this.#reserve(
          ofUser.map(({ entry }) => entry),
          quota,
        );
        for (const [index, { at }] of ofUser.entries()) statuses[at] = answers[index] === 1 ? 'accepted' : 'full';
      }),
    );
    return statuses;
  }

  async release(device: DeviceIncarnation, entryIds: readonly Uint8Array[]): Promise<number> {
    const { name, keys } = this.#placeOf(device);
    const ids = entryIds.filter(isLedgerId);
    let released = 0;
    for (let from = 0; from < ids.length; from += releasedAtOnce) {
      released += Number(await this.#database.run(release, keys, name, ...ids.slice(from, from + releasedAtOnce)));
    }
    return released;
  }

  async usage(device: DeviceIncarnation): Promise<MailUsage> {
    const held = (await this.#database.run(usage, this.#placeOf(device).keys)) as number[];
    const [count = 0, bytes = 0, strangerCount = 0, strangerBytes = 0, oldest] = held;
    return { count, bytes, strangerCount, strangerBytes, oldest };
  }

  async expire(now: number, limit: number): Promise<number> {
    const due = await Promise.all(Array.from({ length: shards }, (_, shard) => this.#due(shard, now, 1)));
    let expired = 0;
    for (const [shard, names] of due.entries()) {
      if (names.length > 0) expired += await this.#expireShard(shard, now, limit - expired);
      if (expired >= limit) break;
    }
    return expired;
  }

  async nextEnd(): Promise<number | undefined> {
    const firsts = await Promise.all(Array.from({ length: shards }, (_, shard) => this.#first(shard)));
    for (let looks = 0; ; looks++) {
      const first = firsts.reduce(
        (least, one) => (one !== undefined && one.end < (least?.end ?? Infinity) ? one : least),
        undefined,
      );
      if (first === undefined || looks === endsCorrected) return first?.end;
      // A device is listed with the earliest end that it had since it held nothing last: a step of a sweep that ends nothing corrects that.
      const keys = [this.#index(first.shard), this.#device(first.shard, first.name)];
      await this.#database.run(sweep, keys, first.name, 0, 0);
      const again = await this.#first(first.shard);
      if (again?.name === first.name && again.end === first.end) return first.end;
      firsts[first.shard] = again;
    }
  }

  async forget(device: DeviceIncarnation): Promise<void> {
    const { name, keys } = this.#placeOf(device);
    await this.#database.run(forget, keys, name);
  }

  async #reserve(entries: readonly LedgerEntry[], quota: MailQuota): Promise<readonly number[]> {
    const names: string[] = [];
    const keys: string[] = [];
    const values: (number | Uint8Array)[] = [];
    for (const entry of entries) {
      const place = this.#placeOf(entry.device);
      if (keys.length === 0) keys.push(place.keys[0]);
      if (!names.includes(place.name)) {
        names.push(place.name);
        keys.push(place.keys[1]);
      }
      values.push(names.indexOf(place.name) + 1, entry.entryId, packed(entry));
    }
    const { count, bytes, strangerCount, strangerBytes } = quota;
    const limits = [count, bytes, strangerCount, strangerBytes];
    return (await this.#database.run(reserve, keys, ...limits, ...names, ...values)) as number[];
  }

  async #expireShard(shard: number, now: number, limit: number): Promise<number> {
    let expired = 0;
    while (expired < limit) {
      const names = await this.#due(shard, now, devicesAtOnce);
      if (names.length === 0) break;
      for (const name of names) {
        if (expired >= limit) break;
        const keys = [this.#index(shard), this.#device(shard, name)];
        expired += Number(await this.#database.run(sweep, keys, name, now, limit - expired));
      }
    }
    return expired;
  }

  /** Devices of a shard of which an entry has expired, or may have. */
  async #due(shard: number, now: number, limit: number): Promise<readonly string[]> {
    const names = await this.#database.ask('ZRANGEBYSCORE', this.#index(shard), '-inf', now, 'LIMIT', 0, limit);
    return (names as Buffer[]).map((name) => name.toString());
  }

  /** The device of a shard that is listed with the earliest end. */
  async #first(
    shard: number,
  ): Promise<{ readonly shard: number; readonly name: string; readonly end: number } | undefined> {
    const found = (await this.#database.ask('ZRANGE', this.#index(shard), 0, 0, 'WITHSCORES')) as unknown[];
    // Pairs by the newer protocol, a flat list by the older one.
    const [name, end] = found.flat();
    return name === undefined ? undefined : { shard, name: String(name), end: Number(end) };
  }

  #placeOf({ userId, deviceId, incarnation }: DeviceIncarnation): Place {
    const shard = createHash('sha256').update(userId).digest()[0] ?? 0;
    const digest = createHash('sha256').update(`${userId}.${deviceId}.${incarnation}`).digest();
    const name = keyText(digest.subarray(0, 16));
    return { name, keys: [this.#index(shard), this.#device(shard, name)] };
  }

  #index(shard: number): string {
    return this.#database.key('held', `{${shard}}`);
  }

  #device(shard: number, name: string): string {
    return this.#database.key('held', `{${shard}}`, name);
  }
}

/** An entry as it stands under its id: size and stranger in one number, then its times. */
function packed({ size, stranger, acceptedAt, expiresAt }: LedgerEntry): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32BE(size * 2 + (stranger ? 1 : 0));
  bytes.writeUIntBE(acceptedAt, 4, 6);
  bytes.writeUIntBE(expiresAt, 10, 6);
  return bytes;
}
