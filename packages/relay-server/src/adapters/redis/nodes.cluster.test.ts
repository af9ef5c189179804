import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { runningEngines } from '../../../test/engines.ts';
import { nodesConformance } from '../../conformance/nodes.ts';
import { start } from '../../conformance/samples.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import { RedisNodes } from './nodes.ts';
import { RedisDatabase } from './redis-database.ts';
import { removeKeys } from './redis-harness.ts';

const noFiles = "Redis keeps what it has in memory and in files of its own, which are not the adapter's to read";
const { url } = runningEngines().redis;

function openAt(prefix: string): Promise<RedisDatabase> {
  return RedisDatabase.open({ url, prefix, commandTimeoutMs: 20_000, onTrouble: () => undefined });
}

describe('redis', () => {
  nodesConformance(
    { describe, it, expect },
    {
      missing: { files: noFiles },
      async open() {
        const prefix = `test-${randomUUID()}`;
        let database = await openAt(prefix);
        let stores = { nodes: new RedisNodes(database) };
        return {
          get stores() {
            return stores;
          },
          clock: settableClock(),
          async reopen() {
            await database.close();
            database = await openAt(prefix);
            stores = { nodes: new RedisNodes(database) };
          },
          files: () => Promise.reject(new Error(noFiles)),
          async close() {
            await database.close();
            await removeKeys(url, prefix);
          },
        };
      },
    },
  );

  it('nodes that are long gone leave, those that may be up by another clock stay', async () => {
    const prefix = `test-${randomUUID()}`;
    const [one, other] = [await openAt(prefix), await openAt(prefix)];
    try {
      const nodes = new RedisNodes(one);
      for (let count = 0; count < 50; count++) await nodes.announce(`gone.example:1/${count}`, start + count);
      await nodes.announce('up.example:1/a', start + 90_000);
      await nodes.announce('late.example:1/b', start + 55_000);
      expect(await new RedisNodes(other).others('me', start + 60_049)).toEqual(['up.example:1/a']);
      const left = await one.ask('ZCARD', one.key('nodes'));
      expect(left).toBe(2);
      // One whose clock is behind sees it still.
      expect(await nodes.others('me', start)).toEqual(['late.example:1/b', 'up.example:1/a']);
    } finally {
      await Promise.all([one.close(), other.close()]);
      await removeKeys(url, prefix);
    }
  });
});
