import { describe, expect, it } from 'vitest';
import type { RecordKeys, RecordKind, Records } from '../ports/changes.ts';
import type { ChatId, GroupId, MessageId, UserId } from '../ports/ids.ts';
import type { UserRecord } from '../ports/user-record.ts';
import { RecordCache } from './record-cache.ts';

function user(id: string, username: string): UserRecord {
  return {
    id: id as UserId,
    number: '',
    username,
    profileKey: undefined,
    profileKeyAt: undefined,
    avatarHash: undefined,
    returnsReceipts: true,
    blockedAt: undefined,
    createdAt: 1,
    updatedAt: 1,
  };
}

class CountingSource {
  reads = 0;
  users = new Map<string, UserRecord>();

  async get<Kind extends RecordKind>(_kind: Kind, key: RecordKeys[Kind]): Promise<Records[Kind] | undefined> {
    this.reads++;
    return this.users.get((key as { id: string }).id) as Records[Kind] | undefined;
  }

  pending(): readonly never[] {
    return [];
  }
}

describe('the record cache', () => {
  const anna = { id: 'anna' as UserId };

  it('reads a record once, and what is not there once', async () => {
    const source = new CountingSource();
    source.users.set('anna', user('anna', 'Anna'));
    const cache = new RecordCache(source);
    expect((await cache.get('user', anna))?.username).toBe('Anna');
    expect((await cache.get('user', anna))?.username).toBe('Anna');
    expect(await cache.get('user', { id: 'ben' as UserId })).toBeUndefined();
    expect(await cache.get('user', { id: 'ben' as UserId })).toBeUndefined();
    expect(source.reads).toBe(2);
  });

  it('has what was committed, the last of it, and knows what was deleted', async () => {
    const source = new CountingSource();
    const cache = new RecordCache(source);
    cache.committed([
      { type: 'put', kind: 'user', record: user('anna', 'Anna') },
      { type: 'put', kind: 'user', record: user('anna', 'Ann') },
    ]);
    expect((await cache.get('user', anna))?.username).toBe('Ann');
    cache.committed([{ type: 'delete', kind: 'user', key: anna }]);
    expect(await cache.get('user', anna)).toBeUndefined();
    expect(source.reads).toBe(0);
  });

  it('keeps what is used, and lets what was not used for long go', async () => {
    const source = new CountingSource();
    source.users.set('anna', user('anna', 'Anna'));
    source.users.set('ben', user('ben', 'Ben'));
    const cache = new RecordCache(source);
    const ben = { id: 'ben' as UserId };
    await cache.get('user', anna);
    await cache.get('user', ben);
    for (let number = 0; number < 3_000; number++) {
      cache.committed([{ type: 'put', kind: 'user', record: user(`other ${number}`, '') }]);
      await cache.get('user', anna);
    }
    expect(source.reads).toBe(2);
    expect((await cache.get('user', ben))?.username).toBe('Ben');
    expect(source.reads).toBe(3);
    cache.committed([{ type: 'put', kind: 'user', record: user('anna', 'Ann') }]);
    expect((await cache.get('user', anna))?.username).toBe('Ann');
    expect(source.reads).toBe(3);
  });

  it('keeps kinds apart, and passes by those that are not read again', async () => {
    const source = new CountingSource();
    const cache = new RecordCache(source);
    cache.committed([{ type: 'put', kind: 'user', record: user('anna', 'Anna') }]);
    expect(await cache.get('chat', { id: 'anna' as string as ChatId })).toBeUndefined();
    await cache.get('seen', { key: new Uint8Array(32) });
    await cache.get('seen', { key: new Uint8Array(32) });
    expect(source.reads).toBe(3);
  });

  it('forgets everything when it is not certain any more', async () => {
    const source = new CountingSource();
    source.users.set('anna', user('anna', 'as stored'));
    const cache = new RecordCache(source);
    cache.committed([{ type: 'put', kind: 'user', record: user('anna', 'Anna') }]);
    cache.clear();
    expect((await cache.get('user', anna))?.username).toBe('as stored');
  });

  it('does not keep what a read saw that was under way during a commit', async () => {
    const source = new CountingSource();
    source.users.set('anna', user('anna', 'before'));
    const cache = new RecordCache(source);
    const straggler = cache.get('user', anna);
    cache.committed([{ type: 'put', kind: 'user', record: user('anna', 'after') }]);
    expect((await straggler)?.username).toBe('before');
    expect((await cache.get('user', anna))?.username).toBe('after');
  });

  it('lets go of what was used longest ago when it is full', async () => {
    const source = new CountingSource();
    const cache = new RecordCache(source);
    for (let number = 0; number < 2_500; number++) {
      cache.committed([{ type: 'put', kind: 'user', record: user(`u${number}`, 'name') }]);
      await cache.get('user', { id: 'u0' as UserId });
    }
    expect(source.reads).toBe(0);
    await cache.get('user', { id: 'u1' as UserId });
    expect(source.reads).toBe(1);
    await cache.get('user', { id: 'u2499' as UserId });
    expect(source.reads).toBe(1);
  });

  it('does not keep what is large, nor what it was before it was', async () => {
    const source = new CountingSource();
    const cache = new RecordCache(source);
    const item = (content: Uint8Array) =>
      ({
        id: 1,
        chatId: 'c' as ChatId,
        recipient: 'r' as UserId,
        groupId: undefined,
        messageId: 'm' as MessageId,
        kind: 'content',
        visible: true,
        content,
        partId: undefined,
        createdAt: 1,
        attempt: 0,
        sealed: undefined,
      }) as const;
    cache.committed([{ type: 'put', kind: 'outbox', record: item(new Uint8Array(10)) }]);
    await cache.get('outbox', { id: 1 });
    expect(source.reads).toBe(0);
    cache.committed([{ type: 'put', kind: 'outbox', record: item(new Uint8Array(10_000)) }]);
    await cache.get('outbox', { id: 1 });
    expect(source.reads).toBe(1);
  });

  it('knows nothing any more of a kind of which something was pruned', async () => {
    const source = new CountingSource();
    const cache = new RecordCache(source);
    const groupId = 'g' as GroupId;
    const head = { groupId, revision: 1, head: new Uint8Array(32), saidBy: undefined };
    cache.committed([{ type: 'put', kind: 'groupHead', record: head }]);
    expect(await cache.get('groupHead', head)).toEqual(head);
    expect(source.reads).toBe(0);
    cache.committed([{ type: 'prune', kind: 'groupHead', groupId, before: 2 }]);
    expect(await cache.get('groupHead', head)).toBeUndefined();
    expect(source.reads).toBe(1);
  });
});
