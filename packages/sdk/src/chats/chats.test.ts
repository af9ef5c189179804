import { Content, ReceiptKind, uuidToText } from '@sotto/proto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModelRelay } from '../../test/model-relay.ts';
import { messageIdOf, userIdOf } from '../../test/numbered-uuid.ts';
import { delivered, receivingDevice } from '../../test/receiving-device.ts';
import { noGroups, type SendingDevice, sendingDevice } from '../../test/sending-device.ts';
import { startSession, type TestDevice, testDevice } from '../../test/test-device.ts';
import { settled } from '../../test/turn-of-events.ts';
import type { UserId } from '../ports/ids.ts';
import { SottoError } from '../sotto-error.ts';
import type { AuthorizedClient } from '../transport/http-client.ts';
import type { Chat } from './chat.ts';
import { chatWith } from './chat-state.ts';
import { Chats } from './chats.ts';

interface Scene {
  readonly sender: SendingDevice;
  readonly chats: Chats;
  /** The bodies of the look-ups that were asked for. */
  readonly lookups: string[];
  readonly directory: Map<string, UserId>;
}

async function scene(device?: TestDevice): Promise<Scene> {
  const sender = sendingDevice(device ?? (await testDevice()), new ModelRelay(), async () => undefined);
  const lookups: string[] = [];
  const directory = new Map<string, UserId>();
  const http: AuthorizedClient = {
    async authorized({ body, answer }) {
      lookups.push(String(body));
      const { numbers } = JSON.parse(String(body)) as { numbers: string[] };
      const users = numbers.flatMap((number) => {
        const userId = directory.get(number);
        return userId === undefined ? [] : [{ number, userId }];
      });
      if (answer.type !== 'json') throw new Error('look-ups answer with JSON');
      return answer.shape({ users });
    },
  };
  return { sender, chats: new Chats({ ...sender.parts, http, groupChat: noGroups }), lookups, directory };
}

function phone(number: number): string {
  return `+1415556${String(number).padStart(4, '0')}`;
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'ok';
  } catch (error) {
    if (error instanceof SottoError) return error.code;
    throw error;
  }
}

/** Bob, to whom Alice writes texts with these numbers, as they arrive. */
async function readerOf(seqs: readonly number[], accepted = false) {
  const alice = await testDevice();
  const bob = await scene();
  const inbox = receivingDevice(bob.sender.device);
  await startSession(alice, bob.sender.device);
  const envelopes = new Map<number, Uint8Array>();
  for (const seq of [...seqs].sort((a, b) => a - b)) {
    envelopes.set(seq, await delivered(alice, bob.sender.device, { seq, text: { body: `${seq}` } }));
  }
  const arriving = seqs.flatMap((seq) => envelopes.get(seq) ?? []);
  const chat = bob.sender.chat(alice.account.userId);
  if (accepted) await chat.accept();
  await inbox.deliver(...arriving);
  const unread = async () => (await bob.sender.device.store.get('chat', { id: chat.id }))?.unread;
  const readIds = async () => {
    const rows = await bob.sender.device.store.outbox(chat.id, 0, 100);
    const receipts = rows.flatMap(({ content }) => Content.decode(content).receipt ?? []);
    return receipts
      .filter(({ kind }) => kind === ReceiptKind.RECEIPT_KIND_READ)
      .map(({ messageIds }) => (messageIds ?? []).map((id) => uuidToText(id)));
  };
  return { alice, bob, inbox, chat, unread, readIds };
}

describe('sending', () => {
  it('a hundred at once numbers them without holes, in the order of the calls', async () => {
    const { sender } = await scene();
    const chat = sender.chat(userIdOf(5));
    const sent = await Promise.all(Array.from({ length: 100 }, (_, at) => chat.send(`${at}`)));
    expect(sent.map(({ seq }) => seq)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
    const { messages } = await chat.history({ limit: 100 });
    expect(messages.map(({ text }) => text)).toEqual(sent.map(({ text }) => text));
    expect(messages.every(({ outgoing, state }) => outgoing && state === 'queued')).toBe(true);
    const rows = await sender.device.store.outbox(chat.id, 0, 200);
    expect(rows.map(({ messageId }) => messageId)).toEqual(sent.map(({ id }) => id));
  });

  it('leaves no hole for what failed', async () => {
    const { sender } = await scene();
    const chat = sender.chat(userIdOf(5));
    await chat.send('1');
    sender.device.disk.full = true;
    expect(await Promise.all([codeOf(chat.send('lost')), codeOf(chat.send('lost'))])).toEqual(
      Array(2).fill('store-unavailable'),
    );
    sender.device.disk.full = false;
    expect((await chat.send('2')).seq).toBe(2);
  });

  it('with the same key is the same message, at once and later, in this chat only', async () => {
    const { sender } = await scene();
    const chat = sender.chat(userIdOf(5));
    const [one, again] = await Promise.all([chat.send('a', { key: 'k' }), chat.send('b', { key: 'k' })]);
    const later = await chat.send('c', { key: 'k' });
    expect([again.id, later.id]).toEqual([one.id, one.id]);
    expect(later.text).toBe('a');
    const others = [await chat.send('a', { key: 'l' }), await sender.chat(userIdOf(6)).send('a', { key: 'k' })];
    expect(new Set([one.id, ...others.map(({ id }) => id)]).size).toBe(3);
    expect((await chat.history()).messages).toHaveLength(2);
    expect(others[0]?.seq).toBe(2);
  });

  it.each([[''], ['x'.repeat(201)], [7 as never]])('refuses the key %j', async (key) => {
    const { sender } = await scene();
    expect(await codeOf(sender.chat(userIdOf(5)).send('a', { key }))).toBe('argument-invalid');
    expect(await sender.device.store.outboxChats()).toEqual([]);
  });

  it('refuses what is no text, and keeps nothing of it', async () => {
    const { sender } = await scene();
    const chat = sender.chat(userIdOf(5));
    const codes = [];
    for (const text of ['', 'a'.repeat(65_537), '\ud800', 'a\0']) codes.push(await codeOf(chat.send(text)));
    expect(codes).toEqual(['text-empty', 'text-too-long', 'text-malformed', 'text-malformed']);
    expect((await chat.history()).messages).toEqual([]);
  });
});

describe('the history', () => {
  it('is the same in pages of any size, from both ends, with late messages in their place', async () => {
    const { chat } = await readerOf([1, 2, 6, 7, 4, 9, 3, 8]);
    await chat.send('mine');
    const whole = (await chat.history()).messages;
    expect(whole.map(({ text }) => text)).toEqual(['1', '2', '3', '4', '6', '7', '8', '9', 'mine']);
    expect(whole.filter(({ late }) => late).map(({ text }) => text)).toEqual(['3', '4', '8']);
    for (let limit = 1; limit <= 10; limit++) {
      const back = [];
      for (
        let page = await chat.history({ limit });
        page.older;
        page = await chat.history({ limit, before: page.older })
      )
        back.unshift(...page.messages);
      expect(back).toEqual(whole);
      const forth = [];
      for (let page = await chat.history({ limit, from: 'oldest' }); page.newer; ) {
        forth.push(...page.messages);
        page = await chat.history({ limit, after: page.newer });
      }
      expect(forth).toEqual(whole);
    }
    for (const [at, { cursor }] of whole.entries()) {
      expect((await chat.history({ before: cursor })).messages).toEqual(whole.slice(0, at));
      expect((await chat.history({ after: cursor })).messages).toEqual(whole.slice(at + 1));
    }
  });

  it.each([
    [{ limit: 0 }, 'argument-invalid'],
    [{ limit: 501 }, 'argument-invalid'],
    [{ limit: 1.5 }, 'argument-invalid'],
    [{ before: '1.1', after: '1.1' }, 'argument-invalid'],
    [{ before: 'x' }, 'cursor-invalid'],
    [{ after: '1.2.3' }, 'cursor-invalid'],
    [{ after: 7 as never }, 'cursor-invalid'],
    [{ before: `${'9'.repeat(15)}.${'9'.repeat(16)}` }, 'ok'],
  ])('for %j is %s', async (options, code) => {
    const { sender } = await scene();
    expect(await codeOf(sender.chat(userIdOf(5)).history(options))).toBe(code);
  });
});

describe('marking as read', () => {
  it('takes 600 unread ones up to a message, and tells their author in receipts of at most 256', async () => {
    const { chat, unread, readIds } = await readerOf(
      Array.from({ length: 600 }, (_, at) => at + 1),
      true,
    );
    expect(await unread()).toBe(600);
    const { messages } = await chat.history({ limit: 500, from: 'oldest' });
    const target = messages[399];
    if (target) await chat.markRead(target);
    expect(await unread()).toBe(200);
    const receipts = await readIds();
    expect(receipts.map((ids) => ids.length)).toEqual([256, 144]);
    expect(receipts.flat()).toEqual(messages.slice(0, 400).map(({ id }) => id));
    if (target) await chat.markRead(target);
    expect((await readIds()).flat()).toHaveLength(400);
    expect((await chat.history({ from: 'oldest', limit: 401 })).messages.map(({ state }) => state)).toEqual([
      ...Array(400).fill('seen'),
      'received',
    ]);
  });

  it('twice at once counts once', async () => {
    const { chat, unread, readIds } = await readerOf([1, 2, 3, 4, 5]);
    await chat.accept();
    const { messages } = await chat.history();
    const [, second, third] = messages;
    if (second && third) await Promise.all([chat.markRead(second), chat.markRead(third), chat.markRead(second)]);
    expect(await unread()).toBe(2);
    expect((await readIds()).flat()).toEqual(messages.slice(0, 3).map(({ id }) => id));
  });

  it('leaves a late one to be read by itself', async () => {
    const { alice, bob, inbox, chat, unread } = await readerOf([1, 3]);
    const [, three] = (await chat.history()).messages;
    if (three) await chat.markRead(three);
    expect(await unread()).toBe(0);
    await inbox.deliver(await delivered(alice, bob.sender.device, { seq: 2, text: { body: '2' } }));
    expect(await unread()).toBe(1);
    if (three) await chat.markRead(three);
    expect(await unread()).toBe(0);
  });

  it('tells no stranger, and nobody when receipts are off', async () => {
    const { chat, readIds, unread } = await readerOf([1]);
    const [first] = (await chat.history()).messages;
    if (first) await chat.markRead(first);
    expect(await unread()).toBe(0);
    expect(await readIds()).toEqual([]);
    const quiet = await scene(await testDevice({ returnsReceipts: false }));
    const alice = await testDevice();
    await startSession(alice, quiet.sender.device);
    const inbox = receivingDevice(quiet.sender.device);
    const silent = quiet.sender.chat(alice.account.userId);
    await silent.accept();
    await inbox.deliver(await delivered(alice, quiet.sender.device, { seq: 1, text: { body: '1' } }));
    const [only] = (await silent.history()).messages;
    if (only) await silent.markRead(only);
    expect(await quiet.sender.device.store.outboxChats()).toEqual([]);
  });

  it('knows only messages of its chat', async () => {
    const { chat, bob } = await readerOf([1]);
    expect(await codeOf(chat.markRead({ id: messageIdOf(9) }))).toBe('message-unknown');
    const other = await bob.sender.chat(userIdOf(5)).send('x');
    expect(await codeOf(chat.markRead(other))).toBe('message-unknown');
  });
});

describe('receipts', () => {
  it('that wait become one message for each author and kind, at most 256 ids in each, in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ count: fc.integer({ min: 0, max: 300 }), author: fc.nat(1), read: fc.boolean() }), {
          minLength: 1,
          maxLength: 12,
        }),
        async (adds) => {
          const { sender } = await scene();
          const { executor, store } = sender.device;
          let made = 0;
          const expected = new Map<string, string[]>();
          for (const { count, author, read } of adds) {
            const userId = userIdOf(5 + author);
            const ids = Array.from({ length: count }, () => messageIdOf(++made));
            const says = read ? 'read' : 'delivered';
            const queued = await executor.run([], (overlay) => sender.receipts.add(overlay, userId, says, ids, 1));
            expect(queued).toBe(count > 0);
            const key = `${userId} ${says}`;
            expected.set(key, [...(expected.get(key) ?? []), ...ids]);
          }
          for (const [key, ids] of expected) {
            const [userId = '', says] = key.split(' ');
            const kind = says === 'read' ? ReceiptKind.RECEIPT_KIND_READ : ReceiptKind.RECEIPT_KIND_DELIVERED;
            const rows = await store.outbox(chatWith(userId as UserId), 0, 100);
            const contents = rows.map(({ content }) => Content.decode(content));
            const lists = contents.flatMap(({ receipt }) => (receipt?.kind === kind ? [receipt.messageIds ?? []] : []));
            expect(lists.flat().map((id) => uuidToText(id))).toEqual(ids);
            expect(lists.map((list) => list.length)).toEqual([
              ...Array(Math.floor(ids.length / 256)).fill(256),
              ...(ids.length % 256 === 0 ? [] : [ids.length % 256]),
            ]);
            expect(contents.every(({ seq, senderUser }) => seq === 0 && senderUser.length === 16)).toBe(true);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('go into a new message once the one before was sealed', async () => {
    const [alice, bob] = [await testDevice(), await testDevice()];
    const relay = new ModelRelay();
    const sender = sendingDevice(bob, relay, () => startSession(bob, alice));
    const { userId } = alice.account;
    const add = (number: number) =>
      bob.executor.run([], (overlay) => sender.receipts.add(overlay, userId, 'delivered', [messageIdOf(number)], 1));
    const listed = async () => {
      const rows = await bob.store.outbox(chatWith(userId), 0, 10);
      return rows.map(({ content }) => Content.decode(content).receipt?.messageIds?.length);
    };
    await add(1);
    await add(2);
    await sender.connect();
    await settled(40);
    // Sealed, and without a result yet: what is added now would not be in the bytes that left.
    await add(3);
    expect(await listed()).toEqual([2, 1]);
    await add(4);
    expect(await listed()).toEqual([2, 2]);
    sender.outbox.wake(chatWith(userId));
    await sender.run();
    await add(5);
    expect(await listed()).toEqual([1]);
    expect(relay.stored).toHaveLength(2);
  });
});

describe('chats', () => {
  it('with somebody are found by number, at the relay once and then here', async () => {
    const { chats, lookups, directory, sender } = await scene();
    directory.set(phone(1), userIdOf(5));
    const chat = await chats.with('+1 (415) 556-0001');
    expect(chat.userId).toBe(userIdOf(5));
    expect((await chats.with(phone(1))).id).toBe(chat.id);
    expect(lookups).toHaveLength(1);
    expect(await sender.device.store.get('chat', { id: chat.id })).toMatchObject({ accepted: true, unread: 0 });
    expect((await chats.get(userIdOf(5)))?.id).toBe(chat.id);
    expect(await chats.get(userIdOf(6))).toBeUndefined();
  });

  it('with nobody, with oneself, or with no number are refused', async () => {
    const { chats, sender, lookups } = await scene();
    expect(await codeOf(chats.with(phone(9)))).toBe('number-unknown');
    expect(await codeOf(chats.with(sender.device.account.number))).toBe('recipient-invalid');
    expect(await codeOf(chats.with('hello'))).toBe('number-invalid');
    expect(lookups).toHaveLength(1);
    expect((await chats.list()).chats).toEqual([]);
  });

  it('are listed in pages of 15, latest activity first, each once', async () => {
    const { chats, sender, directory } = await scene();
    for (let at = 1; at <= 40; at++) directory.set(phone(at), userIdOf(at));
    for (let at = 1; at <= 40; at++) await (await chats.with(phone(at))).send(`to ${at}`);
    await sender.chat(userIdOf(3)).send('again');
    const pages = [];
    for (let page = await chats.list(); ; page = await chats.list({ after: page.next ?? 0 })) {
      pages.push(page.chats);
      if (page.next === undefined) break;
    }
    expect(pages.map((page) => page.length)).toEqual([15, 15, 10]);
    const order = pages.flat().map(({ chat }) => chat.id);
    expect(order).toEqual(
      [3, ...Array.from({ length: 40 }, (_, at) => 40 - at).filter((at) => at !== 3)].map(userIdOf),
    );
    expect(pages[0]?.[0]).toMatchObject({
      number: phone(3),
      lastMessage: { text: 'again' },
      unread: 0,
      accepted: true,
    });
  });

  it('end with their last full page', async () => {
    const { chats, directory } = await scene();
    for (let at = 1; at <= 15; at++) directory.set(phone(at), userIdOf(at));
    for (let at = 1; at <= 15; at++) await chats.with(phone(at));
    const page = await chats.list();
    expect(page.chats).toHaveLength(15);
    expect(page.next).toBeUndefined();
    expect(page.chats[0]?.lastMessage).toBeUndefined();
  });
});

describe('a chat is held to what TypeScript would not have let pass', () => {
  it.each<[string, (chat: Chat) => unknown, RegExp]>([
    [
      'a mistyped key of send',
      (chat) => chat.send('k', { kye: 'a' } as never),
      /^send has no option "kye": it takes key$/,
    ],
    ['null for the options of send', (chat) => chat.send('k', null as never), /^send takes its options in an object/],
    ['a text for the options of send', (chat) => chat.send('k', 'a' as never), /^send takes its options in an object/],
    ['a number for a text', (chat) => chat.send(5 as never), /^a text is a string/],
    ['an end that a history has not', (chat) => chat.history({ from: 'newest' as never }), /latest or oldest/],
    ['an unknown option of history', (chat) => chat.history({ form: 'oldest' } as never), /no option "form"/],
    ['a text for whether one types', (chat) => chat.setTyping('yes' as never), /true or false/],
    ['a text for whether it is verified', (chat) => chat.setVerified('yes' as never), /true or false/],
  ])('%s', async (_, call, message) => {
    const { chats, directory } = await scene();
    directory.set(phone(1), userIdOf(1));
    const chat = await chats.with(phone(1));
    await expect((async () => call(chat))()).rejects.toEqual(
      expect.objectContaining({ code: 'argument-invalid', message: expect.stringMatching(message) }),
    );
    expect((await chat.history()).messages).toEqual([]);
  });
});
