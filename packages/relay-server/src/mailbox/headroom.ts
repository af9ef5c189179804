import type { DeviceAddress } from '../ports/ids.ts';
import type { Mailbox, MailQuota } from '../ports/mailbox.ts';

/** What is known of one mailbox: never less than it holds. */
export interface Room {
  readonly device: DeviceAddress;
  /** Whether it is no longer the one that is kept for the device. */
  forgotten: boolean;
  /** Whether the mailbox was asked; before that nothing is sure. */
  asked: boolean;
  /** As of the last asking, and what went in since. */
  count: number;
  bytes: number;
  /** Of these, what came from strangers. */
  strangerCount: number;
  strangerBytes: number;
  /** On its way into the mailbox. */
  pendingCount: number;
  pendingBytes: number;
  pendingStrangerCount: number;
  pendingStrangerBytes: number;
}

/** An envelope and the room that it takes. */
export interface Cargo {
  /** Another one when the first was forgotten meanwhile. */
  room: Room;
  readonly bytes: number;
  readonly stranger: boolean;
}

/**
 * Knows, without asking the mailbox each time, which devices surely have room.
 *
 * It counts what went in since it last asked and nothing that went out, so it is never too hopeful. While room is sure, the sends of a lane may be
 * pipelined, because none of them can be refused; when it is not, they go one by one.
 * At most `mostKept` devices are kept while nothing is on its way to them.
 * For relays of one process, where all mail goes through here: with several nodes on the same mailboxes nothing is sure beforehand.
 */
export class Headroom {
  readonly #mailbox: Mailbox;
  readonly #quota: MailQuota;
  readonly #rooms = new Map<string, Map<number, Room>>();
  readonly #mostKept: number;
  #size = 0;

  constructor(mailbox: Mailbox, quota: MailQuota, mostKept = 100_000) {
    this.#mailbox = mailbox;
    this.#quota = quota;
    this.#mostKept = mostKept;
  }

  /** The room of one device. */
  of(device: DeviceAddress): Room {
    const known = this.#rooms.get(device.userId)?.get(device.deviceId);
    if (known !== undefined) return known;
    // What is forgotten here may be the last of this very user: so the user's map is looked for afterwards.
    if (this.#size >= this.#mostKept) this.#forgetIdle();
    const ofUser = this.#rooms.get(device.userId) ?? new Map<number, Room>();
    const room = {
      device,
      forgotten: false,
      asked: false,
      count: 0,
      bytes: 0,
      strangerCount: 0,
      strangerBytes: 0,
      pendingCount: 0,
      pendingBytes: 0,
      pendingStrangerCount: 0,
      pendingStrangerBytes: 0,
    };
    this.#rooms.set(device.userId, ofUser.set(device.deviceId, room));
    this.#size++;
    return room;
  }

  /** Whether an envelope is surely accepted, however what is on its way turns out. */
  surelyFits(cargo: Cargo): boolean {
    const { room, bytes, stranger } = this.#current(cargo);
    const quota = this.#quota;
    return (
      room.asked &&
      room.count + room.pendingCount + 1 <= quota.count &&
      room.bytes + room.pendingBytes + bytes <= quota.bytes &&
      (!stranger ||
        (room.strangerCount + room.pendingStrangerCount + 1 <= quota.strangerCount &&
          room.strangerBytes + room.pendingStrangerBytes + bytes <= quota.strangerBytes))
    );
  }

  /** An envelope is on its way. */
  enter(cargo: Cargo): void {
    const { room, bytes, stranger } = this.#current(cargo);
    room.pendingCount++;
    room.pendingBytes += bytes;
    if (!stranger) return;
    room.pendingStrangerCount++;
    room.pendingStrangerBytes += bytes;
  }

  /** It has arrived, or was refused. */
  settle({ room, bytes, stranger }: Cargo, accepted: boolean): void {
    room.pendingCount--;
    room.pendingBytes -= bytes;
    if (stranger) {
      room.pendingStrangerCount--;
      room.pendingStrangerBytes -= bytes;
    }
    if (!accepted) return;
    room.count++;
    room.bytes += bytes;
    if (!stranger) return;
    room.strangerCount++;
    room.strangerBytes += bytes;
  }

  /** Asks the mailbox. What arrives meanwhile may be counted twice, never not at all. */
  async refresh(cargo: Cargo): Promise<void> {
    const { room } = this.#current(cargo);
    const { count, bytes, strangerCount, strangerBytes } = room;
    const usage = await this.#mailbox.usage(room.device);
    room.count = usage.count + room.count - count;
    room.bytes = usage.bytes + room.bytes - bytes;
    room.strangerCount = usage.strangerCount + room.strangerCount - strangerCount;
    room.strangerBytes = usage.strangerBytes + room.strangerBytes - strangerBytes;
    room.asked = true;
  }

  #forgetIdle(): void {
    for (const [user, rooms] of this.#rooms) {
      for (const [device, room] of rooms) {
        if (room.pendingCount > 0 || !rooms.delete(device)) continue;
        room.forgotten = true;
        this.#size--;
      }
      if (rooms.size === 0) this.#rooms.delete(user);
    }
  }

  /** Between the making of an append and its start its rooms may have been forgotten: what goes in is counted where others look. */
  #current(cargo: Cargo): Cargo {
    if (cargo.room.forgotten) cargo.room = this.of(cargo.room.device);
    return cargo;
  }
}
