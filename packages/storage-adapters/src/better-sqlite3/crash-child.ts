import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import type { Change, ChatId, DeviceId, MessageId, UserId } from '@sotto/sdk/ports';
import type { SqlStatement } from '../driver/sql-driver.ts';
import { sqlStore } from '../sql/sql-store.ts';
import { betterSqlite3Driver } from './better-sqlite3-driver.ts';

// The program that crash.test.ts kills: commits numbered batches, and ends itself by SIGKILL inside or right after one of them.
// Arguments: the path of the store, the batch to die in, and after how many of its statements (-1: when the commit has resolved).

const [path = '', dyingBatch = '', dyingStatement = ''] = process.argv.slice(2);
const messagesPerBatch = 10;

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** Statements whose reader does not live to see all of them. */
class DeadlyStatements extends Array<SqlStatement> {
  override *[Symbol.iterator](): ArrayIterator<SqlStatement> {
    for (let index = 0; index < this.length; index += 1) {
      if (index === Number(dyingStatement)) die();
      const statement = this[index];
      if (statement !== undefined) yield statement;
    }
    die();
  }
}

let batch = 0;
const opener = sqlStore({
  async open() {
    const driver = await betterSqlite3Driver(path).open();
    return {
      query: (sql, params) => driver.query(sql, params),
      close: () => driver.close(),
      commit: (statements) => {
        const isLast = batch === Number(dyingBatch) && dyingStatement !== '-1';
        return driver.commit(isLast ? DeadlyStatements.from(statements) : statements);
      },
    };
  },
});

const { store, opening } = await opener.open();
const user = randomUUID() as string;
for (;;) {
  batch += 1;
  const messages = Array.from({ length: messagesPerBatch }, (_, index): Change => {
    const number = (batch - 1) * messagesPerBatch + index + 1;
    return {
      type: 'put',
      kind: 'message',
      record: {
        id: `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}` as MessageId,
        nonce: new Uint8Array(16),
        chatId: '00000000-0000-4000-8000-000000000000' as ChatId,
        senderId: user as UserId,
        senderDevice: 1 as DeviceId,
        receiverId: user as UserId,
        groupId: undefined,
        hasFiles: false,
        text: 'x'.repeat(2_000),
        unknownContent: undefined,
        seq: number,
        position: number,
        late: false,
        state: 'received',
        createdAt: number,
        updatedAt: number,
        acceptedAt: undefined,
        expiresAt: undefined,
        recipients: undefined,
        revision: undefined,
        failure: undefined,
      },
    };
  });
  const progress: Change = {
    type: 'put',
    kind: 'cursor',
    record: { name: 'batch', changeSeq: batch, usedAt: 0, expired: false },
  };
  await store.commit([...messages, progress], opening.ownerEpoch);
  writeSync(1, `${batch}\n`);
  if (batch === Number(dyingBatch)) die();
}
