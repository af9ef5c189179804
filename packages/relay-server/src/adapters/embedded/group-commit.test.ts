import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RelayError } from '../../relay-error.ts';
import type { RecordingTracer } from '../memory/tracer.ts';
import type { RelayDatabase } from './relay-database.ts';
import { TurnedDatabase } from './turned-database.ts';

describe('GroupCommit', () => {
  let turned: TurnedDatabase;
  let tracer: RecordingTracer;
  let database: RelayDatabase;

  beforeEach(() => {
    turned = new TurnedDatabase();
    ({ tracer, database } = turned);
  });

  afterEach(() => turned[Symbol.dispose]());

  const endTurn = () => turned.endTurn();

  const end = (byte: number) => () => {
    database.sql.prepare('INSERT INTO ended_user VALUES (?)').run(Buffer.of(byte));
    return byte;
  };

  const ended = () =>
    database.sql
      .prepare<[], Buffer>('SELECT digest FROM ended_user ORDER BY digest')
      .pluck()
      .all()
      .map((bytes) => bytes[0]);

  it('runs on the settings that its promises rest on', () => {
    const setting = (name: string) => database.sql.pragma(name, { simple: true });
    expect(setting('journal_mode')).toBe('wal');
    // 2 is FULL: an fsync at each commit. No test on a running machine could tell.
    expect(setting('synchronous')).toBe(2);
    expect(['foreign_keys', 'secure_delete'].map(setting)).toEqual([1, 1]);
    expect(setting('temp_store')).toBe(2);
  });

  it('tells of a failure before a later write is carried out, alone, refused, or with its group', async () => {
    const told: string[] = [];
    const note = (name: string) => () => void told.push(name);
    const fail = (error: Error) => () => {
      throw error;
    };
    const failing = [
      database.write('other', fail(new Error('a defect')), note('defect')),
      database.write('other', fail(new RelayError('store-unavailable', 'no')), note('refused')),
    ];
    const good = database.write('other', () => told.push('later'), note('never'));
    const settled = Promise.allSettled([...failing, good]);
    endTurn();
    expect(told).toEqual(['defect', 'refused', 'later']);
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  });

  it('makes one transaction of a turn, and resolves after its commit', async () => {
    const states: string[] = [];
    const writes = [1, 2, 3].map((byte) => database.write('other', end(byte)).then(() => states.push(`${byte}`)));
    expect(turned.waiting).toBe(1);
    await Promise.resolve();
    expect([states, ended()]).toEqual([[], []]);
    endTurn();
    expect(ended()).toEqual([1, 2, 3]);
    await Promise.all(writes);
    expect(states).toEqual(['1', '2', '3']);
    expect(database.sql.inTransaction).toBe(false);
  });

  it('leaves the group alone when a write refuses', async () => {
    const refusal = new RelayError('prekey-conflict', 'refused');
    const writes = [
      database.write('other', end(1)),
      database.write('other', () => {
        throw refusal;
      }),
      database.write('other', end(2)),
    ];
    const settled = Promise.allSettled(writes);
    endTurn();
    expect(await settled).toEqual([
      { status: 'fulfilled', value: 1 },
      { status: 'rejected', reason: refusal },
      { status: 'fulfilled', value: 2 },
    ]);
    expect(ended()).toEqual([1, 2]);
  });

  it('fails only the culprit when a write breaks half-way', async () => {
    let undone = 0;
    database.whenUndone(() => undone++);
    const writes = [
      database.write('other', end(1)),
      database.write('other', () => {
        end(2)();
        return end(1)();
      }),
      database.write('other', end(3)),
    ];
    const settled = Promise.allSettled(writes);
    endTurn();
    const [first, broken, third] = await settled;
    expect([first, third].map((outcome) => outcome?.status)).toEqual(['fulfilled', 'fulfilled']);
    expect(broken?.status === 'rejected' && broken.reason).toMatchObject({ code: 'internal' });
    expect(ended()).toEqual([1, 3]);
    expect(undone).toBe(2);
  });

  it('keeps nothing and rejects all when the disk is full, and goes on when it is not', async () => {
    const pages = Number(database.sql.pragma('page_count', { simple: true }));
    database.sql.pragma(`max_page_count = ${pages + 2}`);
    const fill = () => {
      database.sql.prepare('INSERT INTO ended_user VALUES (zeroblob(50000))').run();
    };
    const settled = Promise.allSettled([database.write('other', end(1)), database.write('other', fill)]);
    endTurn();
    for (const outcome of await settled) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'store-unavailable', retryable: true } });
    }
    expect(ended()).toEqual([]);
    database.sql.pragma('max_page_count = 1000000');
    const again = Promise.all([database.write('other', end(1)), database.write('other', fill)]);
    endTurn();
    await again;
    expect(ended().length).toBe(2);
  });

  it('rejects with a retryable error while the file is read-only', async () => {
    database.sql.pragma('query_only = ON');
    const refused = database.write('other', end(1));
    endTurn();
    await expect(refused).rejects.toMatchObject({ code: 'store-unavailable', retryable: true });
    database.sql.pragma('query_only = OFF');
    const stored = database.write('other', end(1));
    endTurn();
    expect(await stored).toBe(1);
  });

  it('traces each kind of a group once, before and after the fsync', async () => {
    const kinds = ['append', 'ack', 'append', 'registration', 'token', 'prekeys', 'other'] as const;
    const writes = Promise.all(kinds.map((kind) => database.write(kind, () => undefined)));
    endTurn();
    await writes;
    expect(tracer.steps).toEqual([
      'mailbox.append.before-fsync',
      'registration.before-fsync',
      'mailbox.append.durable',
      'ack.durable',
      'registration.durable',
      'token.durable',
      'prekeys.durable',
    ]);
  });

  it('traces no durable step for what failed', async () => {
    database.sql.pragma('query_only = ON');
    const refused = database.write('append', end(1));
    endTurn();
    await expect(refused).rejects.toBeInstanceOf(RelayError);
    expect(tracer.steps).toEqual([]);
  });

  it('spreads more than a thousand writes over several turns', async () => {
    let carriedOut = 0;
    const writes = Array.from({ length: 2500 }, () => database.write('other', () => ++carriedOut));
    const seen: number[] = [];
    while (turned.waiting > 0) {
      endTurn();
      seen.push(carriedOut);
    }
    await Promise.all(writes);
    expect(seen).toEqual([1000, 2000, 2500]);
  });

  it('carries out what was asked for when it is closed, then takes nothing more', async () => {
    const writes = Promise.all([1, 2].map((byte) => database.write('other', end(byte))));
    database.close();
    expect(await writes).toEqual([1, 2]);
    await expect(database.write('other', end(3))).rejects.toMatchObject({ code: 'store-unavailable' });
    endTurn();
  });
});
