import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@sotto/relay-server';
import Database from 'better-sqlite3';
import { expect } from 'vitest';
import { ClientProcess } from '../led/client-process.ts';
import { type FatalStep, lastWords } from '../led/fatal-tracer.ts';
import type { LedProcess } from '../led/led-process.ts';
import { RelayProcess } from '../led/relay-process.ts';
import { Watch } from '../led/watch.ts';

const generous = { burst: 1_000_000, refillMs: 1 };

/** A relay and people, all of them processes, over real sockets and files. */
export class CrashWorld {
  readonly folder = mkdtempSync(join(tmpdir(), 'sotto-crash-'));
  readonly watch = new Watch();
  readonly relay = new RelayProcess(join(this.folder, 'relay'), this.watch, {
    codes: { resendAfterMs: 0 },
    limits: Object.fromEntries(Object.keys(loadConfig().limits).map((name) => [name, generous])),
  });
  readonly #people: ClientProcess[] = [];

  /** Somebody new, with a running process and without an account. */
  newcomer(): ClientProcess {
    const number = this.#people.length + 1;
    const person = new ClientProcess(`+1415555${String(number).padStart(4, '0')}`, {
      relay: this.relay,
      database: join(this.folder, `${number}.db`),
      watch: this.watch,
    });
    this.#people.push(person);
    person.start();
    return person;
  }

  async registered(username: string): Promise<ClientProcess> {
    const person = this.newcomer();
    await person.register(username);
    return person;
  }

  /** Ends everything that runs, and removes the files. */
  async clear(): Promise<void> {
    await Promise.all([...this.#people.map((person) => person.kill()), this.relay.kill()]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What may explain a failure. */
  describe(): string {
    const people = this.#people.map(
      (person) =>
        `${person.phone}: ${person.connection}, running ${person.process.isRunning}\n  ${person.log.slice(-15).join('\n  ')}\n${person.process.stderr}`,
    );
    return [`relay: running ${this.relay.process.isRunning}\n${this.relay.process.stderr}`, ...people].join('\n');
  }

  /** How many accounts the relay has, and how many it has ended. */
  accounts(): { readonly live: number; readonly ended: number } {
    return this.#read((database) => {
      const count = (table: string) =>
        Number(database.prepare<[], { count: number }>(`SELECT count(*) AS count FROM ${table}`).get()?.count);
      return { live: count('account'), ended: count('ended_user') };
    });
  }

  /** Whether the relay has an avatar of somebody. */
  hasAvatar(userId: string): boolean {
    return existsSync(join(this.folder, 'relay', 'blobs', 'stored', `avatars_${userId}`));
  }

  /** Somebody's one-time prekeys that the relay still has to give away: `kind id`. */
  oneTimePrekeys(userId: string): readonly string[] {
    const user = Buffer.from(userId.replaceAll('-', ''), 'hex');
    return this.#read((database) =>
      database
        .prepare<[Buffer], { kind: number; id: number }>(
          'SELECT kind, one_time_prekey.id AS id FROM one_time_prekey JOIN device ON device.id = device WHERE user_id = ?',
        )
        .all(user)
        .map(({ kind, id }) => `${kind === 1 ? 'ec' : 'kyber'} ${id}`),
    );
  }

  /** Reads the relay's database beside it, while it runs. */
  #read<Value>(query: (database: Database.Database) => Value): Value {
    const database = new Database(join(this.folder, 'relay', 'relay.db'), { readonly: true });
    try {
      return query(database);
    } finally {
      database.close();
    }
  }
}

/** Shows that a process was ended by the step that was to end it, and by nothing else. */
export async function expectKilledAt(
  process: Pick<LedProcess<never, never>, 'ended' | 'stdout'>,
  fatal: FatalStep,
): Promise<void> {
  expect(await process.ended).toEqual({ status: null, signal: 'SIGKILL' });
  expect(process.stdout.trim().split('\n')).toContain(lastWords(fatal));
}
