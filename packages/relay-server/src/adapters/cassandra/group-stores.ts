import type { GroupAvatarStore } from '../../ports/group-avatar-store.ts';
import type { GroupStore } from '../../ports/group-store.ts';
import type { CassandraDatabase } from './cassandra-database.ts';
import { GroupAvatarEnds } from './group-avatar-ends.ts';
import { CassandraGroupAvatarStore } from './group-avatar-store.ts';
import { GroupChanges } from './group-changes.ts';
import { GroupLogRows } from './group-log-rows.ts';
import { GroupMemberships } from './group-memberships.ts';
import { GroupRows } from './group-rows.ts';
import { CassandraGroupStore, type EndedAmong } from './group-store.ts';
import { GroupsByUserRows } from './groups-by-user-rows.ts';

/** What keeps groups needs to know. */
export interface CassandraGroupOptions {
  readonly database: CassandraDatabase;
  readonly endedAmong: EndedAmong;
  /** Keeps the lists of several relays in one keyspace apart: empty by default, and never changed. */
  readonly realm?: string;
}

/** What keeps groups, made to work together. */
export interface CassandraGroupStores {
  readonly groups: GroupStore;
  readonly groupAvatars: GroupAvatarStore;
  /** For whoever ends accounts. */
  readonly memberships: GroupMemberships;
}

/** Groups of a relay in Cassandra. */
export function cassandraGroupStores({
  database,
  endedAmong,
  realm = '',
}: CassandraGroupOptions): CassandraGroupStores {
  const rows = new GroupRows(database);
  const ends = new GroupAvatarEnds(database, rows, realm);
  const changes = new GroupChanges(database, rows, ends);
  const [log, index] = [new GroupLogRows(database), new GroupsByUserRows(database)];
  return {
    groups: new CassandraGroupStore({ rows, changes, log, index, endedAmong }),
    groupAvatars: new CassandraGroupAvatarStore({ rows, changes, ends }),
    memberships: new GroupMemberships({ rows, changes, log, index }),
  };
}
