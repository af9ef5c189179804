import type { GroupId } from '../ports/ids.ts';

/** Work on groups: of one group one after the other, in the order of the calls; of several side by side. */
export class GroupLanes {
  private readonly last = new Map<GroupId, Promise<void>>();

  /** Runs work when all that came before it in this group has ended, however it ended. */
  run<T>(groupId: GroupId, work: () => Promise<T>): Promise<T> {
    const running = (this.last.get(groupId) ?? Promise.resolve()).then(work);
    const ended: Promise<void> = running.then(
      () => this.leave(groupId, ended),
      // The caller has the failure.
      () => this.leave(groupId, ended),
    );
    this.last.set(groupId, ended);
    return running;
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.last.size > 0) await Promise.all(this.last.values());
  }

  private leave(groupId: GroupId, ended: Promise<void>): void {
    if (this.last.get(groupId) === ended) this.last.delete(groupId);
  }
}
