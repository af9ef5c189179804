import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AccountRecord, ChatId, DeviceId, EventRecord, MessageId, MessageRecord, UserId } from '@sotto/sdk/ports';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { betterSqlite3 } from '../better-sqlite3/better-sqlite3.ts';

let folder: string;
let opened: Awaited<ReturnType<ReturnType<typeof betterSqlite3>['open']>>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sotto-records-'));
  opened = await betterSqlite3(join(folder, 'client.db')).open();
});
afterAll(async () => {
  await opened.store.close();
  rmSync(folder, { recursive: true });
});

const text = fc.string({ unit: 'binary', maxLength: 300 });
const integer = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER));
const bytes = fc.uint8Array({ maxLength: 2_000 });
const device = fc.integer({ min: 1, max: 127 }) as fc.Arbitrary<DeviceId>;
const uuid = fc.uuid({ version: [1, 2, 3, 4, 5, 6, 7, 8] });
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });

// Records are plain objects, with the usual prototype.
const plain = { noNullPrototype: true } as const;

const account: fc.Arbitrary<AccountRecord> = fc.record(
  {
    userId: uuid as fc.Arbitrary<UserId>,
    deviceId: device,
    number: text,
    username: text,
    registrationId: integer,
    identityKeyPair: bytes,
    formerIdentities: fc.array(
      fc.record({ identityKeyPair: fc.uint8Array({ minLength: 69, maxLength: 69 }), replacedAt: integer }, plain),
      {
        maxLength: 8,
      },
    ),
    devicePrivateKey: bytes,
    rootSecret: maybe(bytes),
    deviceList: bytes,
    profileKey: bytes,
    nextProfileKey: maybe(bytes),
    refreshToken: bytes,
    nextRefreshToken: maybe(bytes),
    accessToken: text,
    accessExpiresAt: integer,
    createdAt: integer,
    hasSnapshot: fc.boolean(),
    ended: fc.boolean(),
    endReason: maybe(fc.constantFrom('device-revoked', 'account-replaced', 'account-deleted', 'token-reused')),
    deletion: maybe(bytes),
  },
  plain,
);

const message: fc.Arbitrary<MessageRecord> = fc.record(
  {
    id: uuid as fc.Arbitrary<MessageId>,
    nonce: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    chatId: uuid as fc.Arbitrary<ChatId>,
    senderId: uuid as fc.Arbitrary<UserId>,
    senderDevice: device,
    receiverId: uuid as fc.Arbitrary<UserId>,
    groupId: fc.constant(undefined),
    hasFiles: fc.boolean(),
    text: fc.string({ unit: 'binary', minLength: 1, maxLength: 3_000 }),
    unknownContent: maybe(bytes),
    seq: integer,
    position: integer,
    late: fc.boolean(),
    state: fc.constantFrom('queued', 'sent', 'expired', 'delivered', 'read', 'failed', 'received', 'seen'),
    createdAt: integer,
    updatedAt: integer,
    acceptedAt: maybe(integer),
    expiresAt: maybe(integer),
    recipients: maybe(integer),
    revision: maybe(integer),
    failure: maybe(text),
  },
  plain,
);

describe('a record of any content comes back as it was put', () => {
  it('message', async () => {
    await fc.assert(
      fc.asyncProperty(message, async (record) => {
        const { store, opening } = opened;
        await store.commit([{ type: 'put', kind: 'message', record }], opening.ownerEpoch);
        expect(await store.get('message', { id: record.id })).toStrictEqual(record);
      }),
      { numRuns: 300 },
    );
  });

  it('account, and a registration that makes one', async () => {
    await fc.assert(
      fc.asyncProperty(account, maybe(account), text, maybe(text), async (record, draft, words, request) => {
        const { store, opening } = opened;
        const registration = { number: words, verificationId: words, expiresAt: 1, account: draft, request };
        await store.commit(
          [
            { type: 'put', kind: 'account', record },
            { type: 'put', kind: 'registration', record: registration },
          ],
          opening.ownerEpoch,
        );
        expect(await store.get('account', {})).toStrictEqual(record);
        expect(await store.get('registration', {})).toStrictEqual(registration);
      }),
      { numRuns: 150 },
    );
  });

  it('event and session, whose parts are kept as JSON', async () => {
    await fc.assert(
      fc.asyncProperty(
        integer,
        text,
        fc.array(fc.record({ ratchetKey: text, highest: integer }, plain)),
        async (changeSeq, words, chains) => {
          const { store, opening } = opened;
          const event: EventRecord = {
            changeSeq,
            at: changeSeq,
            fact: { type: 'envelope.held', digest: words, reason: words },
          };
          const userId = '00000000-0000-4000-8000-000000000001' as UserId;
          const session = { userId, deviceId: 1 as DeviceId, record: new Uint8Array(), chains };
          await store.commit(
            [
              { type: 'put', kind: 'event', record: event },
              { type: 'put', kind: 'session', record: session },
            ],
            opening.ownerEpoch,
          );
          expect(await store.get('event', { changeSeq })).toStrictEqual(event);
          expect(await store.get('session', session)).toStrictEqual(session);
        },
      ),
      { numRuns: 200 },
    );
  });
});
