import { randomUUID } from 'node:crypto';
import type { Harness, HarnessMaker } from '../../conformance/harness.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import { systemRandomness } from '../../platform/system-randomness.ts';
import type { MailLedger } from '../../ports/mail-ledger.ts';
import type { SendReceipts } from '../../ports/send-receipts.ts';
import { RedisMailLedger } from './mail-ledger.ts';
import { RedisDatabase } from './redis-database.ts';
import { removeKeys } from './redis-harness.ts';
import { RedisSendReceipts } from './send-receipts.ts';

const noFiles = "Redis keeps what it has in memory and in files of its own, which are not the adapter's to read";

/** What Redis keeps beside mail. */
export interface MailParts {
  readonly receipts: SendReceipts;
  readonly ledger: MailLedger;
}

/** A node's connection to a Redis, with what hangs on it. */
export async function openMailParts(
  url: string,
  prefix: string,
): Promise<MailParts & { readonly database: RedisDatabase }> {
  const database = await RedisDatabase.open({ url, prefix, commandTimeoutMs: 20_000, onTrouble: () => undefined });
  return {
    database,
    receipts: new RedisSendReceipts(database, systemRandomness),
    ledger: new RedisMailLedger(database),
  };
}

/** Both adapters under test, under a prefix of their own that is removed afterwards. */
export function mailPartsHarness(url: string): HarnessMaker<MailParts> {
  return {
    missing: { files: noFiles },
    async open(): Promise<Harness<MailParts>> {
      const prefix = `test-${randomUUID()}`;
      let stores = await openMailParts(url, prefix);
      return {
        get stores() {
          return stores;
        },
        clock: settableClock(),
        async reopen() {
          await stores.database.close();
          stores = await openMailParts(url, prefix);
        },
        files: () => Promise.reject(new Error(noFiles)),
        async close() {
          await stores.database.close();
          await removeKeys(url, prefix);
        },
      };
    },
  };
}
