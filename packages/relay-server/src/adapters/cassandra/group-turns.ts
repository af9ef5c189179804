import type { GroupId } from '../../ports/ids.ts';

/** Lets one change of a group at a time through, in the order in which they came: what one node wants of one group would only get into its own way at the engine. Other nodes are held off by the condition of the write. */
export class GroupTurns {
  readonly #last = new Map<string, Promise<void>>();

  async take<Result>(groupId: GroupId, work: () => Promise<Result>): Promise<Result> {
    const key = Buffer.from(groupId).toString('latin1');
    const before = this.#last.get(key);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last.set(key, promise);
    try {
      await before;
      return await work();
    } finally {
      if (this.#last.get(key) === promise) this.#last.delete(key);
      resolve();
    }
  }
}
