import type { Nodes } from '../../ports/nodes.ts';
import { clearedAfterMs, type RedisDatabase } from './redis-database.ts';

/**
 * The nodes that are up, in one sorted set: each with the time until which it is.
 *
 * Those that are gone for longer than clocks may be apart leave when somebody looks, so that it stays as small as the cluster.
 */
export class RedisNodes implements Nodes {
  readonly #database: RedisDatabase;
  readonly #key: string;

  constructor(database: RedisDatabase) {
    this.#database = database;
    this.#key = database.key('nodes');
  }

  async announce(node: string, until: number): Promise<void> {
    await this.#database.ask('ZADD', this.#key, until, node);
  }

  async others(node: string, now: number): Promise<readonly string[]> {
    const [up] = await Promise.all([
      this.#database.ask('ZRANGE', this.#key, `(${now}`, '+inf', 'BYSCORE') as Promise<readonly unknown[]>,
      this.#database.ask('ZREMRANGEBYSCORE', this.#key, '-inf', now - clearedAfterMs),
    ]);
    return up.map(String).filter((name) => name !== node);
  }

  async leave(node: string): Promise<void> {
    await this.#database.ask('ZREM', this.#key, node);
  }
}
