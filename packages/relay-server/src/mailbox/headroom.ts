import type { DeviceAddress } from '../ports/ids.ts';
import type { Mailbox, MailQuota } from '../ports/mailbox.ts';

/** The most devices that are kept; idle ones are asked for again. */
const mostKept = 100_000;

/** What is known of one mailbox: never less than it holds. */
export interface Room {
  readonly device: DeviceAddress;
  /** Whether the mailbox was asked; before that nothing is sure. */
  asked: boolean;
  /** As of the last asking, and what went in since. */
  count: number;
  bytes: number;
  /** On its way into the mailbox. */
  pendingCount: number;
  pendingBytes: number;
}

/**
 * Knows, without asking the mailbox each time, which devices surely have room.
 *
 * It counts what went in since it last asked and nothing that went out, so it is never too hopeful. While room is sure, the sends of a lane may be
 * pipelined, because none of them can be refused; when it is not, they go one by one.
 * For relays of one process: all mail goes through here.
 */
export class Headroom {
  readonly #mailbox: Mailbox;
  readonly #quota: MailQuota;
  readonly #rooms = new Map<string, Map<number, Room>>();
  #size = 0;

  constructor(mailbox: Mailbox, quota: MailQuota) {
    this.#mailbox = mailbox;
    this.#quota = quota;
  }

  /** The room of one device. */
  of(device: DeviceAddress): Room {
    let ofUser = this.#rooms.get(device.userId);
    if (ofUser === undefined) {
      ofUser = new Map();
      this.#rooms.set(device.userId, ofUser);
    }
    let room = ofUser.get(device.deviceId);
    if (room === undefined) {
      if (++this.#size > mostKept) this.#forgetIdle();
      room = { device, asked: false, count: 0, bytes: 0, pendingCount: 0, pendingBytes: 0 };
      this.#rooms.set(device.userId, ofUser.set(device.deviceId, room));
    }
    return room;
  }

  /** Whether an envelope of this size is surely accepted, however what is on its way turns out. */
  surelyFits(room: Room, bytes: number): boolean {
    return (
      room.asked &&
      room.count + room.pendingCount + 1 <= this.#quota.count &&
      room.bytes + room.pendingBytes + bytes <= this.#quota.bytes
    );
  }

  /** An envelope is on its way. */
  enter(room: Room, bytes: number): void {
    room.pendingCount++;
    room.pendingBytes += bytes;
  }

  /** It has arrived, or was refused. */
  settle(room: Room, bytes: number, accepted: boolean): void {
    room.pendingCount--;
    room.pendingBytes -= bytes;
    if (!accepted) return;
    room.count++;
    room.bytes += bytes;
  }

  /** Asks the mailbox. What arrives meanwhile may be counted twice, never not at all. */
  async refresh(room: Room): Promise<void> {
    const { count, bytes } = room;
    const usage = await this.#mailbox.usage(room.device);
    room.count = usage.count + room.count - count;
    room.bytes = usage.bytes + room.bytes - bytes;
    room.asked = true;
  }

  #forgetIdle(): void {
    for (const [user, rooms] of this.#rooms) {
      for (const [device, room] of rooms) {
        if (room.pendingCount === 0 && rooms.delete(device)) this.#size--;
      }
      if (rooms.size === 0) this.#rooms.delete(user);
    }
  }
}
