import type { UserId } from '../ports/ids.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';

/** Of more people at once nobody could see it. */
const mostAtOnce = 256;

/** Of whom something is true now that they have to say again and again: that they type, that they are there. */
export class PeerWatch {
  private readonly timers: Timers;
  private readonly forgottenAfter: number;
  private readonly changed: (userId: UserId, isTrue: boolean) => void;
  private readonly known = new Map<UserId, CancelTimer>();

  /** @param forgottenAfter milliseconds after which it ends for who did not say it again */
  constructor(timers: Timers, forgottenAfter: number, changed: (userId: UserId, isTrue: boolean) => void) {
    this.timers = timers;
    this.forgottenAfter = forgottenAfter;
    this.changed = changed;
  }

  /** Somebody said so. */
  heard(userId: UserId, isTrue: boolean): void {
    const cancel = this.known.get(userId);
    cancel?.();
    if (!isTrue) {
      if (this.known.delete(userId)) this.changed(userId, false);
      return;
    }
    if (cancel === undefined && this.known.size >= mostAtOnce) return;
    this.known.set(
      userId,
      this.timers.after(this.forgottenAfter, () => {
        this.known.delete(userId);
        this.changed(userId, false);
      }),
    );
    if (cancel === undefined) this.changed(userId, true);
  }

  /** Ends all timers and tells nothing more. */
  stop(): void {
    for (const cancel of this.known.values()) cancel();
    this.known.clear();
  }
}
