import {
  chmodSync,
  chownSync,
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { Client, MemoryDisk, memoryStore } from '@sotto/sdk';
import type { Timers } from '@sotto/sdk/ports';
import { betterSqlite3, betterSqlite3Driver } from '@sotto/storage-adapters/better-sqlite3';
import { type SqlDriver, sqlStore } from '@sotto/storage-adapters/driver';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { exchange, JourneyWorld } from './journey-world.ts';
import { failureOf, type Person } from './person.ts';

/** Two people with a history, one of whom has just gone. */
async function leftStore(world: JourneyWorld): Promise<{ readonly path: string; readonly away: Person }> {
  const [alice, bob] = [await world.person(), await world.person()];
  await exchange(alice, bob);
  await alice.stop();
  return { path: world.databaseOf(1), away: alice };
}

async function expectRefused(
  world: JourneyWorld,
  path: string,
  code: string,
  as: <T>(opening: () => Promise<T>) => Promise<T> = (opening) => opening(),
): Promise<void> {
  const before = readFileSync(path);
  const failure = await as(() => failureOf(Client.open({ relay: world.url, store: betterSqlite3(path) })));
  expect(failure).toMatchObject({ code });
  expect(readFileSync(path).equals(before)).toBe(true);
}

/** Root may write everywhere: for the time of the opening, this process is nobody. */
async function asNobody<T>(opening: () => Promise<T>): Promise<T> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    return await opening();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

describe('P5: a database that can not be used is told, and left as it is', () => {
  it('one that another program has locked, then works', async () => {
    await using world = await JourneyWorld.open();
    const { path, away } = await leftStore(world);
    const other = new Database(path);
    other.exec('BEGIN EXCLUSIVE');
    await expectRefused(world, path, 'store-unavailable');
    other.exec('ROLLBACK');
    other.close();
    await away.open();
    await away.live();
  });

  it.each([
    ['zeros in its head', 0],
    ['zeros in its middle', 8_192],
  ])('a damaged one: %s', async (_, at) => {
    await using world = await JourneyWorld.open();
    const { path } = await leftStore(world);
    const file = openSync(path, 'r+');
    writeSync(file, Buffer.alloc(8_192), 0, 8_192, at);
    closeSync(file);
    await expectRefused(world, path, 'store-corrupt');
  });

  it('a file of something else', async () => {
    await using world = await JourneyWorld.open();
    const path = join(world.folder, 'letter.txt');
    writeFileSync(path, 'Dear Ann, this is no database at all.\n'.repeat(500));
    await expectRefused(world, path, 'store-corrupt');
  });

  it('one of a later version, then works with that one', async () => {
    await using world = await JourneyWorld.open();
    const { path, away } = await leftStore(world);
    const database = new Database(path);
    const { version } = database.prepare<[], { version: number }>('SELECT version FROM schema_version').get() ?? {};
    database.exec('UPDATE schema_version SET version = 99');
    await expectRefused(world, path, 'store-newer');
    database.prepare('UPDATE schema_version SET version = ?').run(version);
    database.close();
    await away.open();
    await away.live();
  });

  it('a read-only one, then works when it may be written', async () => {
    await using world = await JourneyWorld.open();
    const { path, away } = await leftStore(world);
    chmodSync(world.folder, 0o777);
    const files = readdirSync(world.folder).filter((name) => name.startsWith('1.db'));
    for (const name of files) chmodSync(join(world.folder, name), 0o444);
    await expectRefused(world, path, 'store-unavailable', asNobody);
    for (const name of files) {
      const { uid, gid } = statSync(world.folder);
      chownSync(join(world.folder, name), uid, gid);
      chmodSync(join(world.folder, name), 0o644);
    }
    await away.open();
    await away.live();
    expect(away.client.account?.number).toBe(away.phone);
  });
});

/** Real timers, but for the pause after a store failed: five seconds, which nobody has to wait for here. */
const impatient: Timers = {
  after: (ms, run) => {
    const timer = setTimeout(run, ms === 5_000 ? 1 : ms);
    return () => clearTimeout(timer);
  },
};

/** A disk that can be filled, under each kind of store. */
function disks(path: string) {
  const disk = new MemoryDisk();
  let driver: SqlDriver | undefined;
  const limit = async (pages: number) => {
    // SQLite's own limit: it fails with SQLITE_FULL, as on a full disk.
    await driver?.query(`PRAGMA max_page_count = ${pages}`, []);
  };
  const memory = {
    store: memoryStore(disk),
    fill: async () => {
      disk.full = true;
    },
    free: async () => {
      disk.full = false;
    },
  };
  const sqlite = {
    store: sqlStore({
      open: async () => {
        driver = await betterSqlite3Driver(path).open();
        return driver;
      },
    }),
    fill: () => limit(1),
    free: () => limit(1_000_000),
  };
  return { memory, sqlite };
}

describe.each(['memory', 'sqlite'] as const)('P1: a disk that is full while messages come, %s', (kind) => {
  it('nothing is acked; everything comes once there is room', async () => {
    await using world = await JourneyWorld.open();
    const { store, fill, free } = disks(join(world.folder, 'bob.db'))[kind];
    let failures = 0;
    const alice = await world.person();
    const bob = await world.person({
      store,
      platform: {
        timers: impatient,
        logger: {
          debug: () => undefined,
          info: () => undefined,
          warn: () => undefined,
          error: (event) => {
            if (event === 'client.failed') failures++;
            world.watch.changed();
          },
        },
      },
    });
    await exchange(alice, bob);
    const chat = await bob.chat(alice);
    await fill();
    const texts = Array.from({ length: 50 }, (_, at) => `${at} ${'x'.repeat(20_000)}`);
    for (const text of texts) await alice.say(bob, text, 'queued');
    const own = (await alice.history(bob)).slice(-texts.length);
    await Promise.all(own.map((message) => alice.told('message.sent', message)));
    await world.watch.until(() => failures > 2);
    // An ack deletes: what bob has not kept is with the relay.
    const held = await world.mailHeld();
    const kept = bob.incoming().filter(({ text }) => texts.includes(text)).length;
    expect(kept).toBeLessThan(texts.length);
    expect(held).toBeGreaterThanOrEqual(texts.length - kept);
    expect(await failureOf(chat.send('x'.repeat(60_000)))).toMatchObject({
      code: 'store-unavailable',
      retryable: true,
    });

    await free();
    await world.watch.until(() => bob.incoming().length > texts.length);
    await Promise.all(own.map((message) => alice.told('message.delivered', message)));
    expect(
      (await bob.history(alice))
        .filter(({ outgoing }) => !outgoing)
        .slice(-texts.length)
        .map(({ text }) => text),
    ).toEqual(texts);
  });
});
