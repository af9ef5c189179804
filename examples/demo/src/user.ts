import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { type Chat, Client, type Message, SottoError, type UserId } from '@sotto/sdk';
import { betterSqlite3 } from '@sotto/storage-adapters/better-sqlite3';
import type { UserCommand, UserReport } from './user-protocol.ts';

// One user of the demo: a process of its own with a database of its own, led by the demo over IPC.

const [relay, database] = process.argv.slice(2);
if (relay === undefined || database === undefined) throw new Error('usage: user.ts RELAY DATABASE');

function report(what: UserReport): void {
  process.send?.(what);
}

const client = await Client.open({ relay, store: betterSqlite3(database) });
let giveCode: (code: string) => void = () => undefined;

const unseen = new Map<UserId, Message>();
let looking: Promise<void> | undefined;

/** Looks at what came: while one look lasts, the next ones wait and become one. */
function look(sender: UserId, message: Message): void {
  unseen.set(sender, message);
  looking ??= (async () => {
    for (const [userId, latest] of unseen) {
      unseen.delete(userId);
      const chat = await client.chats.get(userId);
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
        const { id, senderId, text, late } = event.message;
        report({ type: 'received', id, from: senderId, text: text.slice(0, 200), late });
        look(senderId, event.message);
        break;
      }
      case 'message.sent':
      case 'message.delivered':
      case 'message.read':
        report({ type: 'state', id: event.message.id, state: event.type.slice('message.'.length) as Message['state'] });
        break;
      case 'connection.changed':
        report({ type: 'connection', state: event.state });
        break;
      default:
        break;
    }
  }
})();

async function history(chat: Chat, each: (messages: readonly Message[]) => void): Promise<void> {
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
    case 'send': {
      const chat = await client.chats.with(command.to);
      const messages = await Promise.all(command.texts.map((text) => chat.send(text)));
      report({ type: 'queued', ids: messages.map(({ id }) => id) });
      break;
    }
    case 'report': {
      const messages: Message[] = [];
      await history(await client.chats.with(command.with), (page) => messages.push(...page));
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
