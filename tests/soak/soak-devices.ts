import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type DeviceTime, monotonicNow } from '@sotto/testing/checker';
import type { Database } from 'better-sqlite3';
import type { Seeded } from '../crash/seeded.ts';
import { CallError } from '../led/led-process.ts';
import type { Person } from './host-calls.ts';
import { readAmidFaults } from './read-database.ts';
import type { SoakHost } from './soak-host.ts';
import type { DevicePlace, RelayBooks } from './soak-relays.ts';
import { ownerOf } from './token-text.ts';
import { ignoringEnd } from './victim.ts';

/** A further device of somebody's. */
interface Further {
  readonly name: string;
  readonly host: SoakHost;
  /** The code that it shows now. */
  code: string;
  /** It has its account. */
  linked: bigint | undefined;
  /** Its owner's first device knows of it: what that one sends before goes to nobody else of the account. */
  noticed: bigint | undefined;
  isRevoked: boolean;
  drained: bigint | undefined;
  /** While it had no prekeys at the relay, since another device was revoked; the last one may not be over. */
  readonly absences: { readonly from: bigint; to: bigint }[];
  until: bigint | undefined;
}

/** What `SoakDevices` works with. */
export interface SoakDevicesParts {
  readonly hosts: readonly SoakHost[];
  readonly books: RelayBooks;
}

const retryMs = 200;
/** A change of devices that was not made by then, while everything else goes on, never will be. */
const longestMs = 180_000;
const drainMs = 8_000;
const mostOfOne = 2;
/** Later than everything. */
const never = 2n ** 63n;
/** What ends a code: the device shows another one. */
const codeOver: ReadonlySet<string> = new Set(['link-expired', 'link-invalid']);

/** The further devices of people: they are linked to the first one, and revoked by it, while everything around them breaks. */
export class SoakDevices {
  /** What went wrong. */
  readonly problems: string[] = [];
  readonly #parts: SoakDevicesParts;
  readonly #devices = new Map<string, Further>();
  readonly #underWay = new Set<Promise<void>>();
  #isOver = false;

  constructor(parts: SoakDevicesParts) {
    this.#parts = parts;
    for (const host of parts.hosts) {
      host.onLinkCode = (device, code) => this.#keep(this.#letIn(device, code));
      host.onLinked = (device) => this.#linked(device);
      host.onNoticed = (device) => this.#noticed(device);
    }
  }

  /** How often devices were linked and revoked. */
  get counts(): { readonly links: number; readonly revocations: number } {
    const all = [...this.#devices.values()];
    return {
      links: all.filter((device) => sinceOf(device) !== undefined).length,
      revocations: all.filter(({ until }) => until !== undefined).length,
    };
  }

  /** When each was there. */
  times(): ReadonlyMap<string, DeviceTime> {
    return new Map(
      [...this.#devices.values()].map((device): [string, DeviceTime] => {
        const { name, until, drained, absences } = device;
        const since = sinceOf(device) ?? never;
        const end = { ...(until !== undefined && { until }), ...(drained !== undefined && { drained }) };
        return [name, { since, absences, ...end }];
      }),
    );
  }

  /** Those that are in now, or on their way in. */
  get present(): readonly string[] {
    return [...this.#devices.values()].filter(({ isRevoked }) => !isRevoked).map(({ name }) => name);
  }

  /** Begins to link one more device of somebody's, on another process than their first one; resolves when it is in, or was cut off: then it goes on by itself. */
  async link(owner: string): Promise<void> {
    const { hosts } = this.#parts;
    const own = [...this.#devices.keys()].filter((name) => ownerOf(name) === owner).length;
    const home = hosts.findIndex(({ people }) => people.some(({ name }) => name === owner));
    const host = hosts[(home + 1 + own) % hosts.length];
    const phone = hosts[home]?.people.find(({ name }) => name === owner)?.phone;
    if (host === undefined || phone === undefined) throw new Error(`${owner} is nowhere`);
    const person: Person = { name: `${owner}.${own + 2}`, phone, device: 'new' };
    const begun = { linked: undefined, noticed: undefined, drained: undefined, absences: [], until: undefined };
    this.#devices.set(person.name, { name: person.name, host, code: '', ...begun, isRevoked: false });
    host.people.push(person);
    await ignoringEnd(host.process.call('add', person));
  }

  /** Somebody who may have one more device, of these. */
  mayLink(owners: readonly string[], seeded: Seeded): string | undefined {
    const [first, ...more] = owners.filter((owner) => this.#of(owner).length < mostOfOne);
    return first && seeded.oneOf(first, ...more);
  }

  /** A device that is in, of one of these. */
  mayRevoke(owners: readonly string[], seeded: Seeded): string | undefined {
    const [first, ...more] = [...this.#devices.values()]
      .filter((device) => sinceOf(device) !== undefined && !device.isRevoked && owners.includes(ownerOf(device.name)))
      .map(({ name }) => name);
    return first && seeded.oneOf(first, ...more);
  }

  /**
   * Puts a device out; resolves when the relay has that on disk.
   * @param calm it is given the time to say what it has to say: all of that has to arrive
   */
  async revoke(name: string, calm: boolean): Promise<void> {
    const device = this.#devices.get(name);
    if (device === undefined || device.isRevoked) return;
    device.isRevoked = true;
    if (calm) await this.#drain(device);
    const from = monotonicNow();
    const staying = this.#of(ownerOf(name)).map((other) => ({ other, absence: { from, to: never } }));
    for (const { other, absence } of staying) other.absences.push(absence);
    await this.#again(`${name} is not revoked`, async () => {
      if (!(await this.#isListed(device))) return true;
      await this.#hostOf(ownerOf(name)).process.call('revoke', { owner: ownerOf(name), device: name });
      return !(await this.#isListed(device));
    });
    device.until = monotonicNow();
    for (const { other, absence } of staying) this.#keep(this.#untilReachable(other, absence));
    device.host.setDevice(name, 'out');
  }

  /** Gives up what is under way. */
  end(): void {
    this.#isOver = true;
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** Lets a change go on by itself, and resolves after it, or when that takes too long to wait for. */
  async keep(work: Promise<void>, forMs: number): Promise<void> {
    this.#keep(work);
    await Promise.race([work.catch(() => undefined), pause(forMs, undefined, { ref: false })]);
  }

  #of(owner: string): readonly Further[] {
    return [...this.#devices.values()].filter((device) => ownerOf(device.name) === owner && !device.isRevoked);
  }

  #hostOf(owner: string): SoakHost {
    const host = this.#parts.hosts.find(({ people }) => people.some(({ name }) => name === owner));
    if (host === undefined) throw new Error(`${owner} is nowhere`);
    return host;
  }

  /** Has its owner's first device let it in, until that is done, or the code is over. */
  async #letIn(name: string, code: string): Promise<void> {
    const device = this.#devices.get(name);
    if (device === undefined) return;
    device.code = code;
    await this.#again(`${name} is not linked`, async () => {
      if (device.code !== code || device.linked !== undefined) return true;
      try {
        await this.#hostOf(ownerOf(name)).process.call('link', { owner: ownerOf(name), code });
        return true;
      } catch (error) {
        if (error instanceof CallError && codeOver.has(error.code)) return true;
        throw error;
      }
    });
  }

  #linked(name: string): void {
    const device = this.#devices.get(name);
    if (device === undefined) return;
    device.linked ??= monotonicNow();
    if (device.until === undefined) device.host.setDevice(name, 'linked');
  }

  #noticed(name: string): void {
    const device = this.#devices.get(name);
    if (device !== undefined) device.noticed ??= monotonicNow();
  }

  /** Lets it write no more, and looks whether all that it wrote has left, and has come to the own other devices: from the moment when they know of the revocation they hear nothing of it any more, whenever the relay took it. */
  async #drain(device: Further): Promise<void> {
    const { host, name } = device;
    const { process } = host;
    const latest = performance.now() + drainMs;
    const late = pause(drainMs, false, { ref: false });
    const isHushed = await Promise.race([ignoringEnd(process.call('hushOne', name)), late]);
    while (isHushed && host.process === process && process.isRunning && performance.now() < latest) {
      const now = monotonicNow();
      if (this.#isEmpty(device) && this.#isHeard(device)) {
        device.drained = now;
        return;
      }
      await pause(retryMs);
    }
  }

  /** Notes when a device has prekeys at the relay again, under the identity key that a revocation has made: contacts have set the sessions from before aside. */
  async #untilReachable(device: Further, absence: { to: bigint }): Promise<void> {
    while (!this.#isOver && !device.isRevoked && !(await this.#hasPrekeys(device))) await pause(retryMs);
    absence.to = monotonicNow();
  }

  /** Does something again until it says that it is done, whoever is killed meanwhile. */
  async #again(what: string, act: () => Promise<boolean>): Promise<void> {
    const latest = performance.now() + longestMs;
    let reason = '';
    while (!this.#isOver) {
      try {
        if (await act()) return;
      } catch (error) {
        if (!(error instanceof CallError)) throw error;
        reason = error.message;
      }
      if (performance.now() > latest) {
        this.problems.push(`${what} after ${longestMs / 1_000} s: ${reason}`);
        return;
      }
      await pause(retryMs);
    }
  }

  #keep(work: Promise<void>): void {
    const kept = work
      .catch((error: unknown) => {
        this.problems.push(`a change of devices failed: ${error}`);
      })
      .finally(() => this.#underWay.delete(kept));
    this.#underWay.add(kept);
  }

  /** Whether nothing waits in its outbox. */
  #isEmpty(device: Further): boolean {
    const rows = readAmidFaults(
      databaseOf(device),
      (database) => database.prepare<[], { count: number }>('SELECT count(*) AS count FROM outbox').get(),
      undefined,
    );
    return rows?.count === 0;
  }

  /** Whether the own other devices have the last that it wrote in each chat. */
  #isHeard(device: Further): boolean {
    const owner = ownerOf(device.name);
    const query = `SELECT id FROM message AS last WHERE (sender_id, sender_device) = (SELECT user_id, device_id FROM account)
      AND state <> 'failed' AND seq = (SELECT max(seq) FROM message WHERE chat_id = last.chat_id
        AND sender_id = last.sender_id AND sender_device = last.sender_device AND state <> 'failed')`;
    const wrote = readAmidFaults(
      databaseOf(device),
      (database) => database.prepare<[], { id: Buffer }>(query).all(),
      undefined,
    );
    if (wrote === undefined) return false;
    const others = [{ host: this.#hostOf(owner), name: owner }, ...this.#of(owner)];
    const has = (database: Database) => {
      const find = database.prepare<[Buffer], { id: Buffer }>('SELECT id FROM message WHERE id = ?');
      return wrote.every(({ id }) => find.get(id) !== undefined);
    };
    return others.every((other) => readAmidFaults(databaseOf(other), has, false));
  }

  /** Whether somebody can begin a session with it. */
  async #hasPrekeys(device: Further): Promise<boolean> {
    const own = this.#ownAddress(device);
    return own !== undefined && this.#parts.books.hasPrekeys(own);
  }

  #ownAddress(device: Further): DevicePlace | undefined {
    const query = 'SELECT user_id AS user, device_id AS device FROM account WHERE slot = 0';
    return readAmidFaults(
      databaseOf(device),
      (database) => database.prepare<[], { user: Buffer; device: number }>(query).get(),
      undefined,
    );
  }

  /** Whether the relay takes it for a device of its account. */
  async #isListed(device: Further): Promise<boolean> {
    const own = this.#ownAddress(device);
    return own === undefined || ((await this.#parts.books.isListed(own)) ?? true);
  }
}

/** From when on everything has to come to it. */
function sinceOf({ linked, noticed }: Further): bigint | undefined {
  if (linked === undefined || noticed === undefined) return undefined;
  return linked > noticed ? linked : noticed;
}

function databaseOf({ host, name }: { readonly host: SoakHost; readonly name: string }): string {
  return join(host.data, `${name}.db`);
}
