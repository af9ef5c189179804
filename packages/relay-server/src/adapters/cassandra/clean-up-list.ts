import type { UserId } from '../../ports/ids.ts';
import type { CassandraDatabase } from './cassandra-database.ts';
import { DueList } from './due-list.ts';
import type { FormerDevice } from './user-row.ts';

/**
 * What may be left to do: `handover`: to decide and finish it. `user`: to erase an account that has ended.
 * `list`: a change of a device list, which holds if the account is not as it was (`stamp`): to erase the devices of which the list names none, and the prekeys and days under names that it has not.
 */
export type CleanUp =
  | { readonly kind: 'handover'; readonly id: string }
  | { readonly kind: 'user'; readonly userId: UserId }
  | {
      readonly kind: 'list';
      readonly userId: UserId;
      readonly stamp: string;
      readonly devices: readonly FormerDevice[];
      readonly epochs: readonly string[];
      /** Under which the days of the devices are kept, before and after. */
      readonly daysKeys: readonly string[];
      /** When the account is to be known by another request: the keys of the one before and of this one, in hex, and under which name this one has claimed its key. */
      readonly claim?: { readonly before: string; readonly key: string; readonly attempt: string };
    };

/** When it was written down. */
export interface CleanUpEntry {
  readonly at: number;
  readonly what: CleanUp;
}

/** What is written down before a change, so that whatever it leaves is found. */
export class CleanUpList {
  readonly #due: DueList;

  constructor(database: CassandraDatabase, realm: string) {
    this.#due = new DueList(database, realm, { name: 'clean-up', slotMs: 3_600_000, shards: 4 });
  }

  add({ at, what }: CleanUpEntry): Promise<void> {
    return this.#due.add({ at, item: JSON.stringify(what) });
  }

  remove({ at, what }: CleanUpEntry): Promise<void> {
    return this.#due.remove({ at, item: JSON.stringify(what) });
  }

  async before(time: number, limit: number): Promise<CleanUpEntry[]> {
    const entries = await this.#due.before(time, limit);
    return entries.map(({ at, item }) => ({ at, what: JSON.parse(item) as CleanUp }));
  }

  dropEmpty(time: number): Promise<void> {
    return this.#due.dropEmpty(time);
  }
}
