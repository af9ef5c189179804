import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { groupAvatarStoreConformance } from '../../conformance/group-avatar-store.ts';
import { groupMembersConformance } from '../../conformance/group-members.ts';
import { groupMembersVersionConformance } from '../../conformance/group-members-version.ts';
import { groupStoreConformance } from '../../conformance/group-store.ts';
import { TestKeyspace } from './cassandra-keyspace.ts';
import { groupHarness } from './group-harness.ts';

describe('cassandra', () => {
  let keyspace: TestKeyspace;
  beforeAll(async () => {
    keyspace = await TestKeyspace.make();
  });
  afterAll(() => keyspace.drop());

  const maker = groupHarness(() => keyspace);
  groupStoreConformance({ describe, it, expect }, maker);
  groupMembersConformance({ describe, it, expect }, maker);
  groupMembersVersionConformance({ describe, it, expect }, maker);
  groupAvatarStoreConformance({ describe, it, expect }, maker);
});
