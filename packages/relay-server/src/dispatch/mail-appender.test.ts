import { describe, expect, it } from 'vitest';
import { MemoryMailLedger } from '../adapters/memory/mail-ledger.ts';
import { MemorySendReceipts } from '../adapters/memory/send-receipts.ts';
import { someBytes, someUser, start } from '../conformance/samples.ts';
import type { DeviceId } from '../ports/ids.ts';
import type { MailLedger } from '../ports/mail-ledger.ts';
import type { MailLog } from '../ports/mail-log.ts';
import type { MailAppend, MailOrder } from '../ports/mailbox.ts';
import { MailAppender } from './mail-appender.ts';

const userId = someUser();
const device = { userId, deviceId: 1 as DeviceId, incarnation: '' };
const quota = { count: 2, bytes: 1_000, strangerCount: 2, strangerBytes: 1_000 };

/** An appender whose ledger answers when it may, and what came of it. */
function heldAppender() {
  const books = new MemoryMailLedger();
  const asked: number[] = [];
  const gate = Promise.withResolvers<void>();
  const reserve: MailLedger['reserve'] = async (entries, limits) => {
    asked.push(entries.length);
    const answer = await books.reserve(entries, limits);
    await gate.promise;
    return answer;
  };
  const release: MailLedger['release'] = (of, ids) => books.release(of, ids);
  const logged: Uint8Array[] = [];
  const log = {
    append: (_topic: string, _key: Uint8Array, value: Uint8Array) => {
      const offset = logged.push(value) - 1;
      return Promise.resolve({ topicId: 'topic', partition: 0, offset });
    },
  };
  const appender = new MailAppender({
    log: log as unknown as MailLog,
    topics: { toUser: 'user', toGroup: 'group' },
    receipts: new MemorySendReceipts({ bytes: someBytes }),
    ledger: { reserve, release } as unknown as MailLedger,
    listed: { of: async () => ({ status: 'unknown' }) },
    randomness: { bytes: someBytes },
    now: () => start,
    clock: { now: () => start },
    failed: (event, error) => {
      throw new Error(event, { cause: error });
    },
  });
  return { appender, books, asked, logged, open: () => gate.resolve() };
}

function appendOf(size: number, order?: MailOrder): MailAppend {
  const items = [{ deviceId: 1, envelope: new Uint8Array(size).fill(size % 256) }];
  const recipients = [{ userId, stranger: false, items }];
  const times = { acceptedAt: start, expiresAt: start + 1_000 };
  return { sender: undefined, sendId: someBytes(16), recipients, shared: undefined, order, strict: true, ...times };
}

/** Until nothing more happens by itself. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('appends to one user', () => {
  it('ask for their room one behind the other, without waiting for the answers; the log has them in order', async () => {
    const { appender, asked, logged, open } = heldAppender();
    const both = [1, 2].map((size) => appender.append(appendOf(size), quota));
    await settled();
    expect(asked).toHaveLength(2);
    expect(logged).toHaveLength(0);
    open();
    expect((await Promise.all(both)).flatMap(({ results }) => results.map(({ status }) => status))).toEqual([
      'accepted',
      'accepted',
    ]);
    expect(logged.map((record) => record.at(-1))).toEqual([1, 2]);
  });

  it('give back their room when the one before in their order turns out to have none', async () => {
    const { appender, books, asked, logged, open } = heldAppender();
    const order: MailOrder = { broken: false, refused: false };
    const full = appender.append(appendOf(2_000, order), quota);
    const behind = appender.append(appendOf(1, order), quota).catch((error: unknown) => error);
    await settled();
    expect(asked).toHaveLength(2);
    expect(await books.usage(device)).toMatchObject({ count: 1 });
    open();
    expect(await full).toMatchObject({ results: [{ status: 'full' }] });
    expect(await behind).toMatchObject({ code: 'superseded' });
    expect(logged).toHaveLength(0);
    expect(await books.usage(device)).toMatchObject({ count: 0, bytes: 0 });
  });
});
