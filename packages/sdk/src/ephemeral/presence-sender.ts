import type { Clock } from '../ports/clock.ts';
import type { UserId } from '../ports/ids.ts';
import type { Store } from '../ports/store.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';

/** That this user is there is said this often. */
export const refreshEvery = 60_000;
/** A connection that comes and goes is told at most this often, and who asks is answered as often. */
export const toldAtMostEvery = 20_000;
/** Only those who were active last are told. */
export const mostPeers = 50;
/** Whoever did not say for this long to be there has gone: two refreshes are missing. */
export const forgottenAfter = 150_000;
/** Of so many it is known when they were told. */
const mostKnown = 256;

/** Decides when to tell that this user is there: when the client goes live, each minute from then on, and to who asks; and that it leaves. */
export class PresenceSender {
  private readonly store: Pick<Store, 'chats'>;
  private readonly clock: Clock;
  private readonly timers: Timers;
  private readonly tell: (userId: UserId, signal: { readonly online: boolean; readonly asks: boolean }) => void;
  private readonly onFailure: (error: unknown) => void;
  private isLive = false;
  private stopped = false;
  private cancel: CancelTimer | undefined;
  /** When somebody was told last. */
  private readonly told = new Map<UserId, number>();
  /** When somebody who asked was answered last. */
  private readonly answered = new Map<UserId, number>();
  private working: Promise<void> = Promise.resolve();

  constructor(parts: {
    readonly store: Pick<Store, 'chats'>;
    readonly clock: Clock;
    readonly timers: Timers;
    readonly tell: (userId: UserId, signal: { readonly online: boolean; readonly asks: boolean }) => void;
    readonly onFailure: (error: unknown) => void;
  }) {
    this.store = parts.store;
    this.clock = parts.clock;
    this.timers = parts.timers;
    this.tell = parts.tell;
    this.onFailure = parts.onFailure;
  }

  /** The client is connected and has caught up, or is not any more. */
  setLive(isLive: boolean): void {
    if (this.stopped || isLive === this.isLive) return;
    this.isLive = isLive;
    this.cancel?.();
    this.cancel = undefined;
    if (isLive) this.round(true);
  }

  /** Somebody who has just come would like to know. */
  asked(userId: UserId): void {
    if (this.isLive && !this.stopped) this.tellOnce(this.answered, userId, false);
  }

  /** Tells everybody who was told that it is so, that it is over; resolves when that was handed on. Idempotent. */
  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    this.cancel?.();
    await this.working;
    if (!this.isLive) return;
    for (const userId of new Set([...this.told.keys(), ...this.answered.keys()])) {
      this.tell(userId, { online: false, asks: false });
    }
  }

  private round(asks: boolean): void {
    this.cancel = this.timers.after(refreshEvery, () => this.round(false));
    this.working = this.working.then(() => this.tellLatest(asks)).catch(this.onFailure);
  }

  private async tellLatest(asks: boolean): Promise<void> {
    const chats = await this.store.chats(undefined, mostPeers);
    if (!this.isLive || this.stopped) return;
    const peers = chats.flatMap(({ userId, accepted }) => (accepted && userId !== undefined ? [userId] : []));
    const now = this.clock.now();
    for (const last of [this.told, this.answered]) {
      for (const [userId, at] of last) if (at + forgottenAfter <= now) last.delete(userId);
    }
    for (const userId of peers) this.tellOnce(this.told, userId, asks);
  }

  private tellOnce(last: Map<UserId, number>, userId: UserId, asks: boolean): void {
    const now = this.clock.now();
    const at = last.get(userId);
    if (at !== undefined && at <= now && now < at + toldAtMostEvery) return;
    if (at === undefined && last.size >= mostKnown) return;
    last.set(userId, now);
    this.tell(userId, { online: true, asks });
  }
}
