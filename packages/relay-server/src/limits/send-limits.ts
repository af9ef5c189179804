import { hash as digest, timingSafeEqual } from 'node:crypto';
import type { LimitsConfig } from '../config/relay-config.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeviceAddress, UserId } from '../ports/ids.ts';
import type { RateLimit } from '../ports/rate-limiter.ts';
import { afterOne, keptOf, waitOf } from './pace.ts';

/** What one account has used up of its sends to another. Times at which a bucket is full again; 0 = it is. */
interface Pair {
  contact: number;
  stranger: number;
  /** The access key that was right the last time, and the hash that it was compared with: so that a digest is made once. */
  shown: Uint8Array | undefined;
  matched: Uint8Array | undefined;
}

interface SenderRecord {
  readonly devices: Map<number, { fullAt: number }>;
  readonly pairs: Map<UserId, Pair>;
}

/** Below this many entries nothing is looked through for those that are full again. */
const leastSwept = 4_096;

/**
 * How fast devices may send, and who is a stranger to whom. All in memory, since every Send asks: it costs about a microsecond.
 *
 * Each process has buckets of its own, and a restart fills them: of n nodes of a cluster each lets a device have its full share, one after the other, since a device has one stream at a time.
 */
export class SendLimits {
  readonly #clock: Clock;
  readonly #limits: Pick<LimitsConfig, 'sendsToStranger' | 'sendsToContact' | 'sendsPerDevice'>;
  readonly #senders = new Map<UserId, SenderRecord>();
  #size = 0;
  #sweepAt = leastSwept;

  constructor(clock: Clock, limits: Pick<LimitsConfig, 'sendsToStranger' | 'sendsToContact' | 'sendsPerDevice'>) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** How many buckets are kept. */
  get size(): number {
    return this.#size;
  }

  /**
   * Takes one Send of a device; 0 when it may go, otherwise the milliseconds to wait, and then nothing was taken.
   * @param cameAt when it came in: whoever keeps the pace is not refused because others were looked at later than they came
   */
  takeSend(sender: DeviceAddress, cameAt = this.#clock.now()): number {
    const limit = this.#limits.sendsPerDevice;
    if (limit.burst === 0) return 0;
    let device = this.#senders.get(sender.userId)?.devices.get(sender.deviceId);
    if (device === undefined) {
      this.#growing();
      device = { fullAt: 0 };
      this.#sender(sender.userId).devices.set(sender.deviceId, device);
    }
    const { wait, kept } = this.#taken(device.fullAt, limit, cameAt);
    device.fullAt = kept;
    return wait;
  }

  /** Takes one message for a recipient, as `takeSend` does. To the own account there is no such limit. */
  takeRecipient(sender: UserId, recipient: UserId, stranger: boolean, cameAt = this.#clock.now()): number {
    if (sender === recipient) return 0;
    const limit = stranger ? this.#limits.sendsToStranger : this.#limits.sendsToContact;
    if (limit.burst === 0) return 0;
    const pair = this.#pair(sender, recipient);
    const { wait, kept } = this.#taken(stranger ? pair.stranger : pair.contact, limit, cameAt);
    if (stranger) pair.stranger = kept;
    else pair.contact = kept;
    return wait;
  }

  /**
   * Whether a sender is a stranger to a recipient: it shows no access key, or one whose SHA-256 is not the recipient's. Compared in constant time.
   * An account without a hash has no contacts but itself.
   */
  isStranger(sender: UserId, recipient: UserId, shown: Uint8Array, hash: Uint8Array | undefined): boolean {
    if (sender === recipient) return false;
    if (shown.length === 0 || hash === undefined) return true;
    const pair = this.#pair(sender, recipient);
    if (pair.matched === hash && pair.shown !== undefined) return !isSame(pair.shown, shown);
    if (!isSame(digest('sha256', shown, 'buffer'), hash)) return true;
    // A copy: what came off the wire would keep its whole message.
    pair.shown = Uint8Array.from(shown);
    pair.matched = hash;
    return false;
  }

  /** One more of a bucket: how long to wait for it, and the time to keep. */
  #taken(fullAt: number, limit: RateLimit, cameAt: number): { readonly wait: number; readonly kept: number } {
    const now = this.#clock.now();
    // A clock that was set back meanwhile.
    const at = Math.min(cameAt, now);
    const next = afterOne(fullAt, limit, now, at);
    const early = waitOf(next, limit, at);
    return { wait: early === 0 ? 0 : Math.max(1, waitOf(next, limit, now)), kept: keptOf(next, early, limit) };
  }

  #sender(userId: UserId): SenderRecord {
    let record = this.#senders.get(userId);
    if (record === undefined) {
      record = { devices: new Map(), pairs: new Map() };
      this.#senders.set(userId, record);
    }
    return record;
  }

  #pair(sender: UserId, recipient: UserId): Pair {
    let pair = this.#senders.get(sender)?.pairs.get(recipient);
    if (pair === undefined) {
      this.#growing();
      pair = { contact: 0, stranger: 0, shown: undefined, matched: undefined };
      this.#sender(sender).pairs.set(recipient, pair);
    }
    return pair;
  }

  /** Called before an entry is added. Now and then what is full again is let go: each time it has doubled, so that it costs little by the entry. */
  #growing(): void {
    if (++this.#size < this.#sweepAt) return;
    const now = this.#clock.now();
    for (const [userId, { devices, pairs }] of this.#senders) {
      for (const [id, { fullAt }] of devices) if (fullAt < now && devices.delete(id)) this.#size--;
      for (const [id, { contact, stranger }] of pairs) {
        if (contact < now && stranger < now && pairs.delete(id)) this.#size--;
      }
      if (devices.size === 0 && pairs.size === 0) this.#senders.delete(userId);
    }
    this.#sweepAt = Math.max(leastSwept, this.#size * 2);
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
