import type { Clock } from '../../ports/clock.ts';
import type { NumberMac } from '../../ports/ids.ts';
import type { MailLedger } from '../../ports/mail-ledger.ts';
import type { Nodes } from '../../ports/nodes.ts';
import type { Randomness } from '../../ports/randomness.ts';
import type { SendReceipts } from '../../ports/send-receipts.ts';
import { RedisMailLedger } from './mail-ledger.ts';
import { RedisNodes } from './nodes.ts';
import { RedisDatabase, type RedisOptions } from './redis-database.ts';
import { type RedisStores, redisStores } from './redis-stores.ts';
import { RedisSendReceipts } from './send-receipts.ts';
import { RedisVerificationStore } from './verification-store.ts';

/** What a cluster keeps in Redis. */
export interface RedisClusterStores extends RedisStores {
  readonly receipts: SendReceipts;
  readonly ledger: MailLedger;
  readonly nodes: Nodes;
  /** Takes back whatever code a number has. */
  forgetNumber(numberMac: NumberMac): Promise<void>;
  /** Whether it takes a key. */
  check(): Promise<void>;
  close(): Promise<void>;
}

const checkKeptMs = 60_000;

/** Connects, and makes all that hangs on the connection. @throws {RelayError} as `RedisDatabase.open` */
export async function openRedisClusterStores(
  options: RedisOptions,
  { clock, randomness }: { readonly clock: Clock; readonly randomness: Randomness },
): Promise<RedisClusterStores> {
  const database = await RedisDatabase.open(options);
  const codes = new RedisVerificationStore(database);
  return {
    ...redisStores(database, clock, randomness),
    forgetNumber: (numberMac) => codes.forgetNumber(numberMac),
    receipts: new RedisSendReceipts(database, randomness),
    ledger: new RedisMailLedger(database),
    nodes: new RedisNodes(database),
    // A write: a Redis that is full or a replica answers reads.
    async check() {
      await database.ask('SET', database.key('check'), 1, 'PX', checkKeptMs);
    },
    close: () => database.close(),
  };
}
