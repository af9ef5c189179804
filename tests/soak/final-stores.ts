import { join } from 'node:path';
import type { Action, DeviceHistory, HistoryEntry } from '@sotto/testing/checker';
import { Memberships, readActionLog } from '@sotto/testing/checker';
import Database from 'better-sqlite3';
import { membershipsOf, readMemberships } from './membership-log.ts';
import type { SoakWorld } from './soak-world.ts';
import { chatOf, groupNameOf, messageOf, partiesOf } from './token-text.ts';

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

/** What came to a group that this user, or its sender, is out of by now can't be opened any more. */
const heldFromOutside = `(held.group_id IS NOT NULL AND (
  EXISTS (SELECT 1 FROM "group" WHERE id = held.group_id AND standing <> 'member') OR
  EXISTS (SELECT 1 FROM user_group AS author
    WHERE author.group_id = held.group_id AND author.user_id = held.sender AND author.left_at IS NOT NULL)))`;

/** A message to a group becomes \`read\` if all whom it was for, and its sender, are members to this day. */
const canBeRead = `(state = 'queued' OR (recipients > 0 AND
  EXISTS (SELECT 1 FROM "group" WHERE id = message.group_id AND standing = 'member') AND
  recipients + 1 = (SELECT count(*) FROM user_group AS member
    WHERE member.group_id = message.group_id AND joined_at <= message.revision AND left_at IS NULL)))`;

/** Looks into all databases, while they are in use. */
export function leftoversOf(world: SoakWorld): Leftovers {
  const mail = reading(join(world.folder, 'relay', 'relay.db'), (database) => count(database, 'mail'));
  let left: Leftovers = { ...nothingLeft, mail };
  for (const { path } of databasesOf(world)) {
    const own = reading(path, (database) => ({
      outbox: count(database, 'outbox'),
      held: count(database, `held WHERE NOT ${heldFromOutside}`),
      notFinal: count(database, `message WHERE state NOT IN ('read', 'seen') AND (group_id IS NULL OR ${canBeRead})`),
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
  /** For whom the messages to groups are. */
  readonly addresses: readonly Action[];
  readonly memberships: ReturnType<Memberships['counts']>;
}

/** Ids are lower-case hex; of `user` and `group` one is empty. */
interface MessageRow {
  readonly id: string;
  readonly user: string;
  readonly group: string;
  readonly sender: string;
  readonly text: string;
  readonly late: number;
  /** Of an own message to a group: the one that it was sealed under first. */
  readonly revision: number | null;
}

const historyQuery = `SELECT lower(hex(message.id)) AS id, lower(hex(chat.user_id)) AS user, lower(hex(chat.group_id)) AS "group",
    lower(hex(sender_id)) AS sender, text, late, revision
  FROM message JOIN chat ON chat.id = chat_id ORDER BY chat_id, position, seq, message.id`;

/** Of a message that was never sealed. */
const nobody = { receivers: [], others: [] };

function membershipsIn(world: SoakWorld): Memberships {
  const memberships = new Memberships();
  for (const { name: host, lives } of world.hosts) {
    for (let life = 1; life <= lives; life++) {
      for (const one of readMemberships(membershipsOf({ logs: world.logs, host }, life))) memberships.add(one);
    }
  }
  return memberships;
}

/** Reads the history of everybody with everybody and of all groups, in the order in which it is shown. A text that nobody wrote stands under itself. */
export function finalStores(world: SoakWorld): FinalStores {
  const databases = databasesOf(world);
  const people = new Map(
    databases.map(({ name, path }) => [
      reading(path, (database) =>
        String(
          database.prepare<[], { id: string }>('SELECT lower(hex(user_id)) AS id FROM account WHERE slot = 0').get()
            ?.id,
        ),
      ),
      name,
    ]),
  );
  const names = new Map<string, string>();
  const unsent = new Set<string>();
  const memberships = membershipsIn(world);
  const addresses: Action[] = [];
  const nameOf = (userId: string) => people.get(userId) ?? userId;
  const histories = databases.flatMap(({ name, path }) =>
    reading(path, (database) => {
      const chats = new Map<string, HistoryEntry[]>(
        databases.flatMap((other) => (other.name === name ? [] : [[chatOf(name, other.name), []]])),
      );
      for (const row of database.prepare<[], MessageRow>(historyQuery).iterate()) {
        const message = messageOf(row.text) ?? row.text;
        names.set(row.id, message);
        const sender = nameOf(row.sender);
        const chat = chatOf(name, row.group === '' ? nameOf(row.user) : groupNameOf(row.group));
        const entries = chats.get(chat) ?? [];
        chats.set(chat, entries);
        entries.push({ message, sender, late: row.late === 1 });
        if (row.group !== '' && sender === name) {
          const audience = row.revision === null ? nobody : memberships.audience(row.group, row.sender, row.revision);
          const [receivers, others] = [audience.receivers.map(nameOf), audience.others.map(nameOf)];
          addresses.push({ type: 'address', at: 0n, sender, chat, message, receivers, others });
        }
      }
      const waiting = database.prepare<[], { id: string }>(
        'SELECT lower(hex(message_id)) AS id FROM outbox WHERE visible = 1',
      );
      for (const { id } of waiting.iterate()) unsent.add(names.get(id) ?? id);
      return [...chats].map(([chat, messages]): DeviceHistory => ({ device: name, chat, listens: true, messages }));
    }),
  );
  return { histories, names, unsent, addresses, memberships: memberships.counts() };
}

/** All that was written down, with the acknowledgements under the names of their messages, and for whom messages to groups are. */
export function* actionsOf(
  world: SoakWorld,
  { names, addresses }: Pick<FinalStores, 'names' | 'addresses'>,
): Generator<Action> {
  yield* addresses;
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
