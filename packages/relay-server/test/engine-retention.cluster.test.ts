import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../src/adapters/memory/silent-logger.ts';
import { receiptRetentionMs } from '../src/adapters/retention.ts';
import { marksOf, readClusterKeys } from '../src/cluster-keys.ts';
import { loadConfig } from '../src/config/load-config.ts';
import { logNames } from '../src/config/log-names.ts';
import { someIncarnation } from '../src/conformance/incarnation-samples.ts';
import { deviceKeyOf } from '../src/dispatch/device-key.ts';
import { topicTerms } from '../src/log-terms.ts';
import { migrateCluster } from '../src/migrate-cluster.ts';
import { openEngines } from '../src/open-engines.ts';
import { systemClock } from '../src/platform/system-clock.ts';
import { systemRandomness } from '../src/platform/system-randomness.ts';
import { systemTimers } from '../src/platform/system-timers.ts';
import { dayOf } from '../src/platform/utc-day.ts';
import type { ClusterEngines } from '../src/ports/cluster-engines.ts';
import type { LaneId } from '../src/ports/ids.ts';
import { ClusterSettings } from './cluster-settings.ts';
import { EngineContents } from './engine-contents.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
/** The study's `retention.ms`, of messages, files and sessions. */
const retentionMs = 2_592_000_000;

let settings: ClusterSettings;
let engines: ClusterEngines;
let contents: EngineContents;
const printed: string[][] = [];

beforeAll(async () => {
  settings = await ClusterSettings.make();
  // As it is shipped, but for the brokers that there are here: one, and its topics are kept small.
  const config = settings.config();
  await migrateCluster(config, { clock: systemClock, say: () => undefined });
  const marks = marksOf(await readClusterKeys(config.cluster), systemClock);
  engines = await openEngines(config, {
    clock: systemClock,
    timers: systemTimers,
    randomness: systemRandomness,
    logger: silentLogger,
    marks,
  });
  contents = await EngineContents.open(config);
});
afterAll(async () => {
  await contents?.[Symbol.asyncDispose]();
  await engines?.close();
  await settings[Symbol.asyncDispose]();
});

describe('what the engines of a cluster keep, and for how long, as they say it themselves', () => {
  it("Kafka: topics for 30 days, by the brokers' clocks", async () => {
    const { topics } = logNames(settings.config().kafka);
    const study = [topics.toUser, topics.toGroup, topics.attachment];
    expect(study.map((topic) => topic.slice(settings.prefix.length + 1))).toEqual([
      'user2user_message',
      'group_message',
      'attachment',
    ]);
    for (const name of contents.topics) {
      const { partitions, configs } = await contents.topic(name);
      expect(configs.get('retention.ms')).toBe(String(retentionMs));
      expect(configs.get('retention.bytes')).toBe('-1');
      expect(configs.get('cleanup.policy')).toBe('delete');
      expect(configs.get('message.timestamp.type')).toBe('LogAppendTime');
      expect(configs.get('unclean.leader.election.enable')).toBe('false');
      expect(Number(configs.get('segment.ms'))).toBe(hour);
      expect(partitions).toBe(6);
      const kept = `${Number(configs.get('retention.ms')) / day} days`;
      const how = `\`retention.ms\` ${configs.get('retention.ms')}, \`segment.ms\` ${configs.get('segment.ms')}, ${configs.get('message.timestamp.type')}`;
      printed.push(['Kafka', name.slice(settings.prefix.length + 1), how, kept]);
    }
    // What a relay makes that is told nothing else: three replicas, two of which have a record before it is acknowledged.
    expect(topicTerms(loadConfig({}))).toMatchObject({ partitions: 64, replication: 3, minInSync: 2, retentionMs });
  });

  it('Cassandra: tables with the keys of the study; mail that waits has what is left of its 30 days, in windows of a day', async () => {
    const tables = await contents.tables();
    const keys = new Map(tables.map(({ table, key }) => [table, key]));
    expect(keys.get('user')).toBe('id');
    expect(keys.get('user_by_number')).toBe('number_mac');
    expect(keys.get('user_group')).toBe('group_id, user_id DESC');
    expect(keys.get('groups_by_user')).toBe('user_id, group_id');
    expect(keys.get('call_history')).toBe('caller_id, id DESC');
    expect(keys.get('pending')).toBe('(device_id, day_bucket), kp, ko');
    expect(keys.get('cursors')).toBe('device_id, kp');
    // Accounts, groups, profiles never end by themselves.
    for (const { table, defaultTtl } of tables) expect([table, defaultTtl]).toEqual([table, 0]);
    const pending = tables.find(({ table }) => table === 'pending');
    expect(pending?.gcGraceSeconds).toBe(day / 1_000);
    expect(pending?.compaction).toMatchObject({
      class: expect.stringContaining('TimeWindowCompactionStrategy'),
      compaction_window_unit: 'DAYS',
      compaction_window_size: '1',
    });

    const now = Date.now();
    const device = deviceKeyOf(someIncarnation());
    const lane = `sotto/${randomUUID()}/0` as LaneId;
    const time = now - 10 * day;
    const mail = { ko: 7, time, expiresAt: time + retentionMs, envelope: randomBytes(40) };
    await engines.pending.spill([{ device, lane, ...mail }], now);
    const { rows } = await contents.select(
      'SELECT TTL(envelope) AS ttl FROM pending WHERE device_id = ? AND day_bucket = ?',
      [device, dayOf(time)],
    );
    expect(rows).toHaveLength(1);
    expect(Number(rows[0]?.ttl)).toBeGreaterThan((19 * day) / 1_000);
    expect(Number(rows[0]?.ttl)).toBeLessThanOrEqual((20 * day + hour) / 1_000);
    for (const { table, key } of tables)
      printed.push(['Cassandra', table, `primary key (${key})`, tableEnds[table] ?? '']);
  });

  it('Redis: every key ends by itself, but for three that are counted out', async () => {
    const now = Date.now();
    const device = someIncarnation();
    const { stores, presence, receipts, ledger, nodes } = engines;
    await presence.claim(device, 'node');
    await stores.rateLimiter.take('anything', 1, { burst: 10, refillMs: minute });
    await stores.tickets.put(randomBytes(32), device, now + 30_000);
    await stores.deviceCodes.issue(randomBytes(32), device, now + 5 * minute);
    await stores.links.open(
      { id: randomBytes(16), tokenHash: randomBytes(32), publicKey: randomBytes(33), expiresAt: now + 10 * minute },
      now,
    );
    await stores.verifications.start(
      {
        id: randomUUID(),
        numberMac: randomBytes(32) as never,
        numberCiphertext: randomBytes(32),
        codeMac: randomBytes(32),
        createdAt: now,
        expiresAt: now + 10 * minute,
      },
      minute,
    );
    for (const sender of [device, undefined]) {
      const key = { sender, sendId: randomBytes(16) };
      const claim = await receipts.claim(key, [device.userId], now, 30_000);
      if (claim.status !== 'fresh') throw new Error('it is new');
      const results = [
        {
          userId: device.userId,
          status: 'accepted' as const,
          devices: [{ deviceId: device.deviceId, status: 'accepted' as const }],
        },
      ];
      await receipts.settle(
        key,
        claim.token,
        { acceptedAt: now, expiresAt: now + retentionMs, results: results as never },
        now,
      );
    }
    const entry = {
      device,
      entryId: randomBytes(16),
      size: 10,
      stranger: false,
      acceptedAt: now,
      expiresAt: now + retentionMs,
    };
    await ledger.reserve([entry], { count: 10, bytes: 1_000, strangerCount: 10, strangerBytes: 1_000 });
    await nodes.announce('node', now + minute);
    for (const { check } of engines.checks) await check();
    const keys = await contents.keys();
    const longest = new Map<string, number | undefined>();
    for (const { family, ttlMs } of keys) {
      const before = longest.get(family);
      longest.set(
        family,
        longest.has(family) && before === undefined ? undefined : ttlMs && Math.max(before ?? 0, ttlMs),
      );
    }
    // All are found whose adapters were called.
    expect([...longest.keys()].sort()).toEqual([...redisEnds.keys()].sort());
    for (const [family, most] of redisEnds) {
      const ttlMs = longest.get(family);
      // Within a minute, for machines that are slow.
      expect({ family, ttlMs }).toEqual({ family, ttlMs: most === undefined ? undefined : expect.closeTo(most, -5) });
      printed.push([
        'Redis',
        `${family}:…`,
        most === undefined ? 'no TTL' : `TTL ${told(most)}`,
        redisMeanings[family] ?? '',
      ]);
    }
  });

  it('S3: avatars alone, which end with what they are of', async () => {
    const { bucket } = settings.config().blobs.s3;
    const userId = randomUUID();
    await engines.stores.blobs.put(`avatars/${userId}`, randomBytes(100));
    await engines.stores.blobs.put(`groups/${'ab'.repeat(32)}/${'cd'.repeat(16)}`, randomBytes(100));
    const names = (await contents.objects()).map(({ name }) => name.replace(/_.*/, '_…')).sort();
    expect(names).toEqual(['avatars_…', 'groups_…']);
    expect(bucket).toBe(settings.prefix);
    printed.push(['S3', 'avatars_…', 'no rule', 'with the account, or when it is replaced']);
    printed.push(['S3', 'groups_…', 'no rule', '31 days after another took its place, or its last member left']);
  });

  it('is what docs/self-hosting.md says', () => {
    const lines = printed.map(
      (cells) => `| ${cells.map((cell, at) => (at === 1 ? `\`${cell}\`` : cell)).join(' | ')} |`,
    );
    console.log(['| engine | what | as it says itself | ends |', '|---|---|---|---|', ...lines].join('\n'));
    const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'self-hosting.md'), 'utf8');
    expect(lines.filter((line) => !page.includes(line))).toEqual([]);
  });
});

/** By the family of the key: how long one lives at most; `undefined`: until it is counted out. */
const redisEnds: ReadonlyMap<string, number | undefined> = new Map([
  ['check', minute],
  ['code', 20 * minute],
  ['device-code', 6 * minute],
  ['held', undefined],
  ['limit', 2 * minute],
  ['link', 11 * minute],
  ['links', 11 * minute],
  ['nodes', undefined],
  ['presence', 3.5 * minute],
  ['sealed', receiptRetentionMs + minute],
  ['sent', receiptRetentionMs + minute],
  ['standing', 6 * minute],
  ['ticket', 1.5 * minute],
  ['verification', 20 * minute],
  ['verification-ends', undefined],
]);

/** What each holds, and what ends it besides. */
const redisMeanings: Readonly<Record<string, string>> = {
  check: 'nothing: `/readyz` writes it',
  code: 'a code that was sent, as a keyed hash',
  'device-code': 'a hash of what lets a device join',
  held: 'sizes and times of mail that waits, by a digest of its device: counted out when it is acked or ends',
  limit: 'how much was taken of a limit, by a hash of whose: until it is full again, and a minute',
  link: 'a place for one sealed message of a device that is added',
  links: 'how many of these are open',
  nodes: 'which nodes are up: they leave, or are dropped a minute after their time',
  presence: 'at which node a device is: user id, device id, node',
  sealed: 'what became of a sealed send',
  sent: 'what became of a send',
  standing: 'whether tickets and codes of a device still count: user id, device id, a random mark',
  ticket: 'a hash of a stream ticket',
  verification: 'which number a verification is for, as a keyed hash',
  'verification-ends': 'when codes end: swept with them',
};

const tableEnds: Readonly<Record<string, string>> = {
  access_token: 'TTL: an hour (`tokens.accessTtlMs`) and a day',
  call_history: 'nothing stands in it yet',
  cluster_identity: 'never: a keyed hash of what the relay was made with',
  cursors: 'TTL: 32 days after the last ack',
  deletion_receipt: 'never: what a deletion was asked with, by which its repetition is known',
  device_join: 'with the device',
  due: 'when it is done',
  due_slot: 'when it is done',
  ended_token: '60 days after the device was taken off',
  ended_user: 'never: a digest of the id of an account that has ended, so that nobody has it again',
  group_log: 'with the group',
  groups_by_user: 'with the membership, or the account',
  handover: 'when it is carried out',
  heard: 'with the account',
  horizon: 'never: one time of day',
  pending: 'TTL: what is left of 30 days; before that with its ack',
  pending_days: 'TTL: 32 days; before that with the acks of its day',
  prekey: 'one by one when they are given out; with the device',
  refresh_token: 'TTL: 61 days after it was replaced; with the device',
  registration: 'with the account',
  schema_version: 'never: which tables there are',
  seen_day: 'with the device',
  token_family: 'TTL: 61 days after a token was replaced; with the device',
  user: 'with the account: numbers encrypted, profile as ciphertext',
  user_by_number: 'with the account: the number as a keyed hash',
  user_group: 'with the group; who left: as its log needs',
};

function told(ms: number): string {
  return ms > day ? `${Math.floor(ms / day)} days and a minute` : `${ms / 1_000} s`;
}
