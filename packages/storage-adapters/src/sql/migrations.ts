import { accountAndKeys } from './migrations/0001-account-and-keys.ts';
import { history } from './migrations/0002-history.ts';
import { groupsCallsFiles } from './migrations/0003-groups-calls-files.ts';
import { search } from './migrations/0004-search.ts';
import { repairAndIdentity } from './migrations/0005-repair-and-identity.ts';
import { ephemeral } from './migrations/0006-ephemeral.ts';
import { namedLists } from './migrations/0007-named-lists.ts';
import { answers } from './migrations/0008-answers.ts';
import { messageFailure } from './migrations/0009-message-failure.ts';
import { deletion } from './migrations/0010-deletion.ts';
import { groups } from './migrations/0011-groups.ts';
import { devices } from './migrations/0012-devices.ts';
import { people } from './migrations/0013-people.ts';
import { givenAgain } from './migrations/0014-given-again.ts';
import { keysFirst } from './migrations/0015-keys-first.ts';
import type { Migration } from './migrations/migration.ts';

/** All steps of the schema, in their order. */
export const migrations: readonly Migration[] = [
  accountAndKeys,
  history,
  groupsCallsFiles,
  search,
  repairAndIdentity,
  ephemeral,
  namedLists,
  answers,
  messageFailure,
  deletion,
  groups,
  devices,
  people,
  givenAgain,
  keysFirst,
];
