import type { UserId } from '../ports/ids.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';

/** Whoever was not said to type for this long, types no more: more than the sender's own ten seconds. */
export const forgottenAfter = 15_000;
/** Of more people at once nobody could see that they type. */
const mostAtOnce = 256;

/** Who types to this user now. */
export class TypingWatch {
  private readonly timers: Timers;
  private readonly changed: (userId: UserId, typing: boolean) => void;
  private readonly typing = new Map<UserId, CancelTimer>();

  constructor(timers: Timers, changed: (userId: UserId, typing: boolean) => void) {
    this.timers = timers;
    this.changed = changed;
  }

  /** Somebody said so. */
  heard(userId: UserId, typing: boolean): void {
    const cancel = this.typing.get(userId);
    cancel?.();
    if (!typing) {
      if (this.typing.delete(userId)) this.changed(userId, false);
      return;
    }
    if (cancel === undefined && this.typing.size >= mostAtOnce) return;
    this.typing.set(
      userId,
      this.timers.after(forgottenAfter, () => {
        this.typing.delete(userId);
        this.changed(userId, false);
      }),
    );
    if (cancel === undefined) this.changed(userId, true);
  }

  /** Ends all timers and tells nothing more. */
  stop(): void {
    for (const cancel of this.typing.values()) cancel();
    this.typing.clear();
  }
}
