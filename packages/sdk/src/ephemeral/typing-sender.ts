import type { Clock } from '../ports/clock.ts';
import type { UserId } from '../ports/ids.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';

/** A start is told at most this often. */
export const startEvery = 4_000;
/** Whoever does not say it again for this long has stopped. */
export const stopsAfter = 10_000;

interface Typing {
  told: boolean;
  cancelStart: CancelTimer | undefined;
  cancelStop: CancelTimer;
}

/** Decides when to tell that this user types: at once, then at most every four seconds, and that it ended when it was not said again for ten. */
export class TypingSender {
  private readonly clock: Clock;
  private readonly timers: Timers;
  private readonly tell: (userId: UserId, typing: boolean) => void;
  private readonly active = new Map<UserId, Typing>();
  /** When a start was told last; kept for `startEvery`. */
  private readonly started = new Map<UserId, number>();

  constructor(parts: {
    readonly clock: Clock;
    readonly timers: Timers;
    readonly tell: (userId: UserId, typing: boolean) => void;
  }) {
    this.clock = parts.clock;
    this.timers = parts.timers;
    this.tell = parts.tell;
  }

  set(userId: UserId, typing: boolean): void {
    if (!typing) {
      this.end(userId);
      return;
    }
    const known = this.active.get(userId);
    known?.cancelStop();
    const cancelStop = this.timers.after(stopsAfter, () => this.end(userId));
    if (known) known.cancelStop = cancelStop;
    const state = known ?? { told: false, cancelStart: undefined, cancelStop };
    this.active.set(userId, state);
    if (state.cancelStart !== undefined) return;
    const wait = this.waitFor(userId);
    if (wait <= 0) this.start(userId, state);
    else if (!state.told) {
      state.cancelStart = this.timers.after(wait, () => {
        state.cancelStart = undefined;
        this.start(userId, state);
      });
    }
  }

  /** Ends all timers and tells nothing more. */
  stop(): void {
    for (const { cancelStart, cancelStop } of this.active.values()) {
      cancelStart?.();
      cancelStop();
    }
    this.active.clear();
  }

  private waitFor(userId: UserId): number {
    const now = this.clock.now();
    for (const [other, at] of this.started) if (at + startEvery <= now || at > now) this.started.delete(other);
    const at = this.started.get(userId);
    return at === undefined ? 0 : at + startEvery - now;
  }

  private start(userId: UserId, state: Typing): void {
    state.told = true;
    this.started.set(userId, this.clock.now());
    this.tell(userId, true);
  }

  private end(userId: UserId): void {
    const state = this.active.get(userId);
    if (state === undefined) return;
    this.active.delete(userId);
    state.cancelStart?.();
    state.cancelStop();
    if (state.told) this.tell(userId, false);
  }
}
