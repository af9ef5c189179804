import { join } from 'node:path';
import type { Action, DeviceHistory } from '@sotto/testing/checker';
import { readActionLog } from '@sotto/testing/checker';
import Database from 'better-sqlite3';
import type { SoakWorld } from './soak-world.ts';
import { chatOf, messageOf } from './token-text.ts';

/** What is not as it should be in the end, apart from the messages themselves. */
export interface Leftovers {
  /** Envelopes in the relay's mailboxes. */
  readonly mail: number;
  readonly outbox: number;
  readonly held: number;
  /** Own messages that are not `read`, and others' that are not `seen`. */
  readonly notFinal: number;
}

export const nothingLeft: Leftovers = { mail: 0, outbox: 0, held: 0, notFinal: 0 };

/** Reads a database beside its owner. */
function reading<Value>(path: string, read: (database: Database.Database) => Value): Value {
  const database = new Database(path, { readonly: true, timeout: 5_000 });
  try {
    return read(database);
  } finally {
    database.close();
  }
}

function count(database: Database.Database, what: string): number {
  return Number(database.prepare<[], { count: number }>(`SELECT count(*) AS count FROM ${what}`).get()?.count);
}

function databasesOf(world: SoakWorld): { name: string; path: string }[] {
  return world.hosts.flatMap(({ people, data }) =>
    people.map(({ name }) => ({ name, path: join(data, `${name}.db`) })),
  );
}

/** Looks into all databases, while they are in use. */
export function leftoversOf(world: SoakWorld): Leftovers {
  const mail = reading(join(world.folder, 'relay', 'relay.db'), (database) => count(database, 'mail'));
  let left: Leftovers = { ...nothingLeft, mail };
  for (const { path } of databasesOf(world)) {
    const own = reading(path, (database) => ({
      outbox: count(database, 'outbox'),
      held: count(database, 'held'),
      notFinal: count(database, `message WHERE state NOT IN ('read', 'seen')`),
    }));
    left = {
      mail: left.mail,
      outbox: left.outbox + own.outbox,
      held: left.held + own.held,
      notFinal: left.notFinal + own.notFinal,
    };
  }
  return left;
}

/** What all devices hold in the end. */
export interface FinalStores {
  readonly histories: readonly DeviceHistory[];
  /** The names of messages by their ids. */
  readonly names: ReadonlyMap<string, string>;
  /** The names of the messages that wait in their senders' outboxes: nobody can have lost them yet. */
  readonly unsent: ReadonlySet<string>;
}

interface MessageRow {
  readonly id: string;
  readonly chat: string;
  readonly sender: string;
  readonly text: string;
  readonly late: number;
}

/** Reads the history of everybody with everybody, in the order in which it is shown. A text that nobody wrote stands under itself. */
export function finalStores(world: SoakWorld): FinalStores {
  const databases = databasesOf(world);
  const people = new Map(
    databases.map(({ name, path }) => [
      reading(path, (database) =>
        String(database.prepare<[], { id: string }>('SELECT hex(user_id) AS id FROM account WHERE slot = 0').get()?.id),
      ),
      name,
    ]),
  );
  const names = new Map<string, string>();
  const unsent = new Set<string>();
  const histories = databases.flatMap(({ name, path }) =>
    reading(path, (database) => {
      const chats = new Map<string, { message: string; sender: string; late: boolean }[]>(
        databases.flatMap((other) => (other.name === name ? [] : [[chatOf(name, other.name), []]])),
      );
      const rows = database.prepare<[], MessageRow>(
        `SELECT hex(message.id) AS id, hex(chat.user_id) AS chat, hex(sender_id) AS sender, text, late
         FROM message JOIN chat ON chat.id = chat_id ORDER BY chat_id, position, seq, message.id`,
      );
      for (const { id, chat, sender, text, late } of rows.iterate()) {
        const message = messageOf(text) ?? text;
        names.set(id.toLowerCase(), message);
        const entry = { message, sender: people.get(sender) ?? sender, late: late === 1 };
        chats.get(chatOf(name, people.get(chat) ?? chat))?.push(entry);
      }
      const waiting = database.prepare<[], { id: string }>(
        'SELECT hex(message_id) AS id FROM outbox WHERE visible = 1',
      );
      for (const { id } of waiting.iterate()) unsent.add(names.get(id.toLowerCase()) ?? id);
      return [...chats].map(([chat, messages]): DeviceHistory => ({ device: name, chat, listens: true, messages }));
    }),
  );
  return { histories, names, unsent };
}

/** All that was written down, with the acknowledgements under the names of their messages. */
export function* actionsOf(world: SoakWorld, names: ReadonlyMap<string, string>): Generator<Action> {
  for (const { name, lives } of world.hosts) {
    for (let life = 1; life <= lives; life++) {
      const path = join(world.logs, `${name}-${life}.log`);
      for (const action of readActionLog(path)) {
        if (action.type !== 'ack') yield action;
        else {
          // Receipts have no name: nobody wrote them.
          const message = names.get(action.message.replaceAll('-', ''));
          if (message !== undefined) yield { ...action, ...partiesOf(message), message };
        }
      }
    }
  }
}

function partiesOf(message: string): { readonly sender: string; readonly chat: string } {
  const [sender = '', to = ''] = (message.split(' ', 1)[0] ?? '').split('>');
  return { sender, chat: chatOf(sender, to) };
}
