import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { type Chat, type ChatId, Client, type GroupChat, type GroupId, type Message, SottoError } from '@sotto/sdk';
import { betterSqlite3 } from '@sotto/storage-adapters/better-sqlite3';
import type { ChatName, UserCommand, UserReport } from './user-protocol.ts';

// One user of the demo: a process of its own with a database of its own, led by the demo over IPC.

const [relay, database] = process.argv.slice(2);
if (relay === undefined || database === undefined) throw new Error('usage: user.ts RELAY DATABASE');

function report(what: UserReport): void {
  process.send?.(what);
}

const client = await Client.open({ relay, store: betterSqlite3(database) });
let giveCode: (code: string) => void = () => undefined;

const unseen = new Map<ChatId, Message>();
let looking: Promise<void> | undefined;

/** Looks at what came: while one look lasts, the next ones wait and become one. */
function look(message: Message): void {
  unseen.set(message.chatId, message);
  looking ??= (async () => {
    for (const [chatId, latest] of unseen) {
      unseen.delete(chatId);
      const chat = await chatOf(latest);
      await chat?.accept();
      await chat?.markRead(latest);
    }
    looking = undefined;
  })();
}

const watching = (async () => {
  for await (const event of client.events({ cursor: 'demo' })) {
    switch (event.type) {
      case 'message.received': {
        const { id, senderId, groupId, text, late } = event.message;
        const group = groupId && (await titleOf(groupId));
        report({ type: 'received', id, from: senderId, group, text: text.slice(0, 200), late });
        look(event.message);
        break;
      }
      case 'group.changed':
        report({ type: 'brought-in', groupId: event.groupId, title: (await titleOf(event.groupId)) ?? '' });
        break;
      case 'message.sent':
      case 'message.delivered':
      case 'message.read':
        // In a group: what all of them have reached.
        report({ type: 'state', id: event.message.id, state: event.message.state });
        break;
      case 'connection.changed':
        report({ type: 'connection', state: event.state });
        break;
      default:
        break;
    }
  }
})().catch((error: unknown) => {
  // Stopped while it looked up a title: the event comes again with the next start.
  if (!(error instanceof SottoError && error.code === 'client-stopped')) throw error;
});

/** The chat that a message belongs to. */
function chatOf({ chatId }: Message): Promise<Chat | GroupChat | undefined> {
  return client.chats.get(chatId);
}

async function chatNamed(name: ChatName): Promise<Chat | GroupChat> {
  if ('phone' in name) return client.chats.with(name.phone);
  const group = await client.groups.get(name.groupId as GroupId);
  if (group === undefined) throw new Error('this user is in no such group');
  return group;
}

async function titleOf(groupId: GroupId): Promise<string | undefined> {
  const group = await client.groups.get(groupId);
  return group && (await group.info()).title;
}

async function history(chat: Chat | GroupChat, each: (messages: readonly Message[]) => void): Promise<void> {
  let page = await chat.history({ from: 'oldest', limit: 500 });
  while (page.newer !== undefined) {
    each(page.messages);
    page = await chat.history({ after: page.newer, limit: 500 });
  }
}

async function obey(command: UserCommand): Promise<void> {
  switch (command.type) {
    case 'register': {
      const code = () =>
        new Promise<string>((resolve) => {
          giveCode = resolve;
          report({ type: 'code-wanted' });
        });
      const { userId } = await client.register({ phone: command.phone, profile: { username: command.username }, code });
      report({ type: 'registered', userId });
      break;
    }
    case 'code':
      giveCode(command.code);
      break;
    case 'make-group': {
      const members = await Promise.all(command.with.map((phone) => client.chats.with(phone)));
      const { groupId } = await client.groups.create({ title: command.title, members });
      report({ type: 'group-made', groupId });
      break;
    }
    case 'send': {
      const chat = await chatNamed(command.to);
      const messages = await Promise.all(command.texts.map((text) => chat.send(text)));
      report({ type: 'queued', ids: messages.map(({ id }) => id) });
      break;
    }
    case 'report': {
      const messages: Message[] = [];
      await history(await chatNamed(command.with), (page) => messages.push(...page));
      report({ type: 'history', messages: messages.map(({ id, outgoing, state }) => ({ id, outgoing, state })) });
      break;
    }
    case 'write': {
      const file = createWriteStream(command.path);
      let count = 0;
      await history(await client.chats.with(command.with), (page) => {
        for (const message of page) {
          if (message.outgoing) continue;
          file.write(`${message.text}\n`);
          count++;
        }
      });
      file.end();
      await finished(file);
      report({ type: 'written', count });
      break;
    }
    case 'stop':
      await looking;
      await client.stop();
      await watching;
      process.disconnect();
      break;
  }
}

process.on('message', (command: UserCommand) => {
  obey(command).catch((error: unknown) => {
    const { code, retryAfterMs } =
      error instanceof SottoError ? error : { code: 'unexpected', retryAfterMs: undefined };
    report({ type: 'failed', code, message: error instanceof Error ? error.message : String(error), retryAfterMs });
  });
});
// The demo is gone: so is its user.
process.on('disconnect', () => {
  client.stop().catch((error: unknown) => {
    throw error;
  });
});
report({ type: 'ready' });
