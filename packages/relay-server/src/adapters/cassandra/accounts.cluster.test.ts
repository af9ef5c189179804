import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountControlConformance } from '../../conformance/account-control.ts';
import { accountStoreConformance } from '../../conformance/account-store.ts';
import { deviceStoreConformance } from '../../conformance/device-store.ts';
import { listedDevicesConformance } from '../../conformance/listed-devices.ts';
import { prekeyStoreConformance } from '../../conformance/prekey-store.ts';
import { tokenStoreConformance } from '../../conformance/token-store.ts';
import { accountsHarness } from './accounts-harness.ts';
import { TestKeyspace } from './cassandra-keyspace.ts';

describe('cassandra', () => {
  let keyspace: TestKeyspace;
  beforeAll(async () => {
    keyspace = await TestKeyspace.make();
  });
  afterAll(() => keyspace.drop());

  const runner = { describe, it, expect };
  const maker = accountsHarness(() => keyspace);
  accountStoreConformance(runner, maker);
  prekeyStoreConformance(runner, maker);
  tokenStoreConformance(runner, maker);
  deviceStoreConformance(runner, maker);
  listedDevicesConformance(runner, maker);
  accountControlConformance(runner, maker);
});
