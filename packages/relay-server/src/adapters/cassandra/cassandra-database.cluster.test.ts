import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../platform/system-clock.ts';
import { cassandraAccounts } from './cassandra-accounts.ts';
import { CassandraDatabase } from './cassandra-database.ts';
import { unavailable } from './cassandra-failure.ts';
import { TestKeyspace } from './cassandra-keyspace.ts';
import { migrate, tableAreas } from './migrations.ts';

describe('CassandraDatabase', () => {
  let keyspace: TestKeyspace;
  let database: CassandraDatabase;

  beforeAll(async () => {
    keyspace = await TestKeyspace.make();
    database = await keyspace.open();
  });
  afterAll(async () => {
    await database.close();
    await keyspace.drop();
  });

  const claim = 'UPDATE user_by_number SET user_id = ? WHERE number_mac = ? IF user_id = null';

  it('tells whether a conditional write was applied, and what stood in its way', async () => {
    const [mac, one, other] = [new Uint8Array(randomBytes(32)), randomUUID(), randomUUID()];
    expect(await database.conditional(claim, [one, mac])).toEqual({ status: 'applied' });
    const refused = await database.conditional<{ user_id: unknown }>(claim, [other, mac]);
    expect(refused.status === 'refused' && String(refused.row?.user_id)).toBe(one);
    const missing = 'UPDATE user_by_number SET user_id = ? WHERE number_mac = ? IF user_id = ?';
    const none = await database.conditional(missing, [one, randomBytes(32), other]);
    expect(none).toEqual({ status: 'refused', row: undefined });
  });

  it('says unknown of a conditional write whose answer is lost, and a serial read settles it', async () => {
    let lose = true;
    const losing = await keyspace.open({
      traceStatement: (phase, cql) => {
        if (lose && phase === 'after' && cql === claim) throw new Error('lost');
      },
    });
    const [mac, user] = [randomBytes(32), randomUUID()];
    expect((await losing.conditional(claim, [user, mac])).status).toBe('unknown');
    lose = false;
    const row = await losing.row('SELECT user_id FROM user_by_number WHERE number_mac = ?', [mac], 'serial');
    expect(String(row?.user_id)).toBe(user);
    await losing.close();
  });

  it('leaves no connection behind when it is closed, however often its connections broke before', async () => {
    const { port = 9042, contactPoints } = keyspace.options;
    const open = new Set<Socket>();
    const relayed = createServer((near) => {
      const far = connect(port, contactPoints[0]);
      open.add(near);
      near.pipe(far).pipe(near);
      for (const socket of [near, far]) socket.on('error', () => socket.destroy());
      near.on('close', () => {
        open.delete(near);
        far.destroy();
      });
      far.on('close', () => near.destroy());
    });
    relayed.listen(0, '127.0.0.1');
    await once(relayed, 'listening');
    const through = await keyspace.open({
      contactPoints: ['127.0.0.1'],
      port: (relayed.address() as AddressInfo).port,
      requestTimeoutMs: 3_000,
    });
    const select = 'SELECT user_id FROM user_by_number WHERE number_mac = ?';
    const answers = () => vi.waitFor(() => through.row(select, [randomBytes(32)]), { timeout: 60_000, interval: 100 });
    for (let round = 0; round < 3; round++) {
      await answers();
      for (const socket of open) socket.resetAndDestroy();
    }
    await answers();
    await through.close();
    await vi.waitFor(() => expect(open.size).toBe(0), { timeout: 30_000, interval: 100 });
    relayed.close();
  });

  it('gives every value back as it was, and all pages of a long partition', async () => {
    const [key, incarnation] = [randomUUID(), randomUUID()];
    const devices = new Map([[1, { registration_id: 7, incarnation, is_idle: false, is_keyless: true }]]);
    await database.conditional(
      'INSERT INTO user (id, devices, lock_wait_until, profile, list_version) VALUES (?, ?, ?, ?, ?) IF NOT EXISTS',
      [key, devices, 1_790_000_000_123, new Uint8Array([1, 2, 3]).subarray(1), 9],
    );
    const row = await database.row('SELECT * FROM user WHERE id = ?', [key]);
    expect(row?.lock_wait_until).toEqual(new Date(1_790_000_000_123));
    expect([row?.profile, row?.list_version, row?.number_mac]).toEqual([Buffer.from([2, 3]), 9, null]);
    const found = row?.devices as Map<number, { incarnation: unknown; is_keyless: boolean }> | undefined;
    const [device] = found?.values() ?? [];
    expect([String(device?.incarnation), device?.is_keyless]).toEqual([incarnation, true]);
    const list = randomUUID();
    for (let from = 0; from < 2500; from += 250) {
      await database.writeTogether(
        Array.from({ length: 250 }, (_, at) => ({
          cql: 'INSERT INTO due (list, slot, shard, at, item) VALUES (?, 0, 0, ?, ?)',
          values: [list, from + at, 'x'],
        })),
      );
    }
    const rows = await database.rows<{ at: Date }>('SELECT at FROM due WHERE list = ? AND slot = 0 AND shard = 0', [
      list,
    ]);
    expect(rows.map(({ at }) => at.getTime())).toEqual(Array.from({ length: 2500 }, (_, at) => at));
  });

  it('answers a probe by asking the cluster', async () => {
    let isDown = false;
    const probed = database.traced(() => {
      if (isDown) throw unavailable(undefined);
    });
    const { accounts } = cassandraAccounts(probed, { clock: systemClock });
    expect(await accounts.byNumbers([])).toEqual([]);
    isDown = true;
    await expect(accounts.byNumbers([])).rejects.toMatchObject({ code: 'store-unavailable' });
  });

  it('is unavailable, retryably, when no node answers', async () => {
    const nowhere = CassandraDatabase.open({ ...keyspace.options, port: 1 });
    await expect(nowhere).rejects.toMatchObject({ code: 'store-unavailable', retryable: true });
  });
});

describe('migrations', () => {
  it('may run on several nodes at once, and a newer schema is refused', async () => {
    const keyspace = await TestKeyspace.make({ areas: [] });
    const areas = tableAreas.map(({ name, steps }) => ({ name, steps: steps.slice(0, 4) }));
    const options = { clock: systemClock, replication: 1 };
    await Promise.all([1, 2, 3].map(() => migrate(keyspace.options, { ...options, areas })));
    await migrate(keyspace.options, options);
    await expect(migrate(keyspace.options, { ...options, areas })).rejects.toMatchObject({ code: 'store-newer' });
    await keyspace.drop();
  });

  it('makes keyspace and lock whoever comes first, and all the tables once', async () => {
    const { options } = await TestKeyspace.make({ areas: [] });
    const keyspace = `test_${randomBytes(8).toString('hex')}`;
    const fresh = { ...options, keyspace };
    await Promise.all(Array.from({ length: 4 }, () => migrate(fresh, { clock: systemClock, replication: 1 })));
    const database = await CassandraDatabase.open(fresh);
    const tables = await database.rows('SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?', [
      keyspace,
    ]);
    const made = tableAreas.flatMap(({ steps }) => steps).filter((step) => step.startsWith('CREATE TABLE'));
    expect(tables.length).toBe(made.length + 1);
    await database.close();
    for (const each of [options, fresh]) await TestKeyspace.dropped(each);
  });

  it('a lock whose owner has died is taken over', async () => {
    const keyspace = await TestKeyspace.make({ areas: [] });
    const database = await keyspace.open();
    const expired = systemClock.now() - 1;
    await database.conditional(
      "UPDATE schema_version SET owner = ?, expires_at = ? WHERE scope = 'relay' IF owner = null",
      [randomUUID(), expired],
    );
    await database.close();
    await migrate(keyspace.options, { clock: systemClock, replication: 1 });
    await keyspace.drop();
  });
});
