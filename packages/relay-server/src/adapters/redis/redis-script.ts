import { createHash } from 'node:crypto';

/** A step that Redis carries out at once, on one key or on several of one hash tag: so it runs on a Redis Cluster as it does on one node. */
export interface RedisScript {
  readonly lua: string;
  /** SHA-1, by which Redis knows a script that it has seen. */
  readonly sha: string;
}

/** Prepares a script. In it `KEYS` has the keys, `ARGV` the values; times and limits come from there and never from Redis's own clock. */
export function redisScript(lua: string): RedisScript {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}
