import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Envelope } from '@sotto/proto';
import type { Action, DeviceHistory, HistoryEntry } from '@sotto/testing/checker';
import { Memberships, readActionLog } from '@sotto/testing/checker';
import type Database from 'better-sqlite3';
import { readDropped } from './dropped-log.ts';
import { membershipsOf, readMemberships } from './membership-log.ts';
import { readDatabase } from './read-database.ts';
import type { SoakWorld } from './soak-world.ts';
import { chatOf, groupNameOf, messageOf, ownerOf, partiesOf } from './token-text.ts';

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

function count(database: Database.Database, what: string): number {
  return Number(database.prepare<[], { count: number }>(`SELECT count(*) AS count FROM ${what}`).get()?.count);
}

/** A device's database. */
interface Place {
  readonly name: string;
  readonly path: string;
  /** The device was revoked. */
  readonly isOut: boolean;
}

function databasesOf(world: SoakWorld): readonly Place[] {
  return world.hosts.flatMap(({ people, data }) =>
    people
      .map(({ name, device }) => ({ name, path: join(data, `${name}.db`), isOut: device === 'out' }))
      .filter(({ path }) => existsSync(path)),
  );
}

/** What came to a group that this user, or its sender, is out of by now can't be opened any more. */
const heldFromOutside = `(held.group_id IS NOT NULL AND (
  EXISTS (SELECT 1 FROM "group" WHERE id = held.group_id AND standing <> 'member') OR
  EXISTS (SELECT 1 FROM user_group AS author
    WHERE author.group_id = held.group_id AND author.user_id = held.sender AND author.left_at IS NOT NULL) OR
  (reason = 'not-a-member' AND NOT EXISTS (SELECT 1 FROM user_group AS author
    WHERE author.group_id = held.group_id AND author.user_id = held.sender))))`;

/** A message to a group becomes \`read\` if all whom it was for, and its sender, are members to this day. */
const canBeRead = `(state = 'queued' OR (recipients > 0 AND
  EXISTS (SELECT 1 FROM "group" WHERE id = message.group_id AND standing = 'member') AND
  recipients + 1 = (SELECT count(*) FROM user_group AS member
    WHERE member.group_id = message.group_id AND joined_at <= message.revision AND left_at IS NULL)))`;

/** How far an own message got is judged on the device that wrote it: receipts may have come before another one was there, or had it. */
const isJudgedHere = `(state = 'received' OR sender_device = (SELECT device_id FROM account WHERE slot = 0))`;

/** A device that read something may have been revoked before it said so. */
function readUnsaid(users: readonly string[]): string {
  const revoked = users.map((user) => `x'${user}'`).join(', ');
  return `(state = 'delivered' AND (receiver_id IN (${revoked}) OR EXISTS (SELECT 1 FROM user_group AS member
    WHERE member.group_id = message.group_id AND member.user_id IN (${revoked}))))`;
}

/** Looks into all databases, while they are in use. */
export async function leftoversOf(world: SoakWorld): Promise<Leftovers> {
  const all = databasesOf(world);
  const places = all.filter(({ isOut }) => !isOut);
  const isMember = membersIn(places);
  const owners = ownersOf(all);
  const outs = owners.filter(({ isOut }) => isOut);
  const mail = await world.relays.books.mailLeft(
    owners.map(({ user, device }) => ({ user: Buffer.from(user, 'hex'), device })),
  );
  let left: Leftovers = { ...nothingLeft, mail };
  const out = new Set(outs.map(({ user, device }) => `${user} ${device}`));
  const mayBeUnsaid = readUnsaid(outs.map(({ user }) => user));
  // Nobody says that they read what they removed.
  const dropped = new Set(world.hosts.flatMap(({ name: host }) => readDropped({ logs: world.logs, host })));
  const isToldAtHome = toldAtHome(world, places);
  for (const { path, name } of places) {
    const own = readDatabase(path, (database) => ({
      outbox: count(database, 'outbox'),
      held: heldIn(database).filter(
        ({ group, isKnown, sender }) => !out.has(sender) && (group === null || isKnown === 1 || isMember(name, group)),
      ).length,
      notFinal: database
        .prepare<[], { id: string; state: string }>(
          `SELECT hex(id) AS id, state FROM message WHERE state NOT IN ('read', 'seen') AND ${isJudgedHere}
            AND (group_id IS NULL OR ${canBeRead}) AND NOT ${mayBeUnsaid}`,
        )
        .all()
        .filter(({ id, state }) => state === 'received' || !(dropped.has(id) || isToldAtHome(name, id))).length,
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

/** Whether the owner's first device knows that a message of a further one is read: while a device that stays has no prekeys under a new identity key, receipts do not come to it. */
function toldAtHome(world: SoakWorld, places: readonly Place[]): (device: string, id: string) => boolean {
  const times = world.devices.times();
  return (device, id) => {
    const home = places.find(({ name }) => name === ownerOf(device));
    if (home === undefined || (times.get(device)?.absences ?? []).length === 0) return false;
    const query = "SELECT id FROM message WHERE id = ? AND state = 'read'";
    const find = (database: Database.Database) => database.prepare(query).get(Buffer.from(id, 'hex'));
    return readDatabase(home.path, find) !== undefined;
  };
}

/** An envelope that can't be opened. One of a device that was revoked never will, nor one to a group that this device never heard of because its owner was out of it. */
interface HeldRow {
  readonly group: string | null;
  /** Whether this device knows the group. */
  readonly isKnown: number;
  /** The user and the number of the device that wrote it, as it says. */
  readonly sender: string;
}

function heldIn(database: Database.Database): readonly HeldRow[] {
  const query = `SELECT hex(group_id) AS "group", envelope, reason IN ('no-sender-key', 'not-a-member') AS isUnasked,
      EXISTS (SELECT 1 FROM "group" WHERE id = held.group_id) AS isKnown,
      (SELECT joined_at FROM user_group AS own WHERE own.group_id = held.group_id
        AND own.user_id = (SELECT user_id FROM account WHERE slot = 0)) AS joinedAt,
      (SELECT joined_at FROM user_group AS author WHERE author.group_id = held.group_id
        AND author.user_id = held.sender) AS authorJoinedAt
    FROM held WHERE NOT ${heldFromOutside}`;
  type Found = Omit<HeldRow, 'sender'> & {
    readonly envelope: Uint8Array;
    readonly joinedAt: number | null;
    readonly authorJoinedAt: number | null;
    readonly isUnasked: number;
  };
  const rows = database.prepare<[], Found>(query).all();
  return rows.flatMap(({ envelope, joinedAt, authorJoinedAt, isUnasked, ...row }) => {
    const { senderUser, senderDevice, groupEpoch } = Envelope.decode(envelope);
    // Nobody sends again what is of a time before its receiver was let in again; what was sent again by who was out by then went nowhere.
    const since = Math.max(joinedAt ?? 0, authorJoinedAt ?? 0);
    if (isUnasked === 1 && groupEpoch > 0 && groupEpoch < since) return [];
    return { ...row, sender: `${Buffer.from(senderUser).toString('hex')} ${senderDevice}` };
  });
}

/** Tells who is in a group by what any of their devices knows. A further device may never hear of one that its owner was out of before. */
function membersIn(places: readonly Place[]): (name: string, group: string) => boolean {
  const query = `SELECT hex(id) AS "group" FROM "group" WHERE standing = 'member'`;
  const members = new Set(
    places.flatMap(({ name, path }) =>
      readDatabase(path, (database) => database.prepare<[], { group: string }>(query).all()).map(
        ({ group }) => `${ownerOf(name)} ${group}`,
      ),
    ),
  );
  return (name, group) => members.has(`${ownerOf(name)} ${group}`);
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
  /** How many messages of other own devices they have. */
  readonly synced: number;
  /** Devices whose session has ended though nobody had revoked them. */
  readonly wronglyOut: readonly string[];
}

/** Ids are lower-case hex; of `user` and `group` one is empty. */
interface MessageRow {
  readonly id: string;
  readonly user: string;
  readonly group: string;
  readonly sender: string;
  readonly device: number;
  readonly text: string;
  readonly late: number;
  /** Of an own message to a group: the one that it was sealed under first. */
  readonly revision: number | null;
}

const historyQuery = `SELECT lower(hex(message.id)) AS id, lower(hex(chat.user_id)) AS user, lower(hex(chat.group_id)) AS "group",
    lower(hex(sender_id)) AS sender, sender_device AS device, text, late, revision
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

/** Whose a database is. */
interface OwnRow {
  readonly user: string;
  readonly device: number;
  readonly ended: number;
}

function ownersOf(places: readonly Place[]): readonly (Place & OwnRow)[] {
  const query = 'SELECT lower(hex(user_id)) AS user, device_id AS device, ended FROM account WHERE slot = 0';
  return places.flatMap((place) => {
    const own = readDatabase(place.path, (database) => database.prepare<[], OwnRow>(query).get());
    return own === undefined ? [] : [{ ...place, ...own }];
  });
}

/** Reads the history of everybody with everybody and of all groups on every device, in the order in which it is shown. A text that nobody wrote stands under itself. */
export function finalStores(world: SoakWorld): FinalStores {
  const owners = ownersOf(databasesOf(world));
  const times = world.devices.times();
  const people = new Map(owners.map(({ user, name }) => [user, ownerOf(name)]));
  const devices = new Map(owners.map(({ user, device, name }) => [`${user} ${device}`, name]));
  const devicesOf = Map.groupBy(devices.values(), ownerOf);
  const names = new Map<string, string>();
  const unsent = new Set<string>();
  const memberships = membershipsIn(world);
  const addresses: Action[] = [];
  let synced = 0;
  const nameOf = (userId: string) => people.get(userId) ?? userId;
  const allOf = (userIds: readonly string[]) => userIds.flatMap((userId) => devicesOf.get(nameOf(userId)) ?? []);
  const histories = owners.flatMap(({ name, path, isOut }) =>
    readDatabase(path, (database) => {
      const others = [...devicesOf.keys()].filter((other) => other !== ownerOf(name));
      const chats = new Map<string, HistoryEntry[]>(others.map((other) => [chatOf(name, other), []]));
      for (const row of database.prepare<[], MessageRow>(historyQuery).iterate()) {
        const message = messageOf(row.text) ?? row.text;
        names.set(row.id, message);
        const sender = devices.get(`${row.sender} ${row.device}`) ?? `${nameOf(row.sender)}.?${row.device}`;
        const chat = chatOf(name, row.group === '' ? nameOf(row.user) : groupNameOf(row.group));
        const entries = chats.get(chat) ?? [];
        chats.set(chat, entries);
        entries.push({ message, sender, late: row.late === 1 });
        if (sender !== name && ownerOf(sender) === ownerOf(name)) synced++;
        if (row.group !== '' && sender === name) {
          const audience = row.revision === null ? nobody : memberships.audience(row.group, row.sender, row.revision);
          // While the sender is in the group, what one of their devices writes is for the others of theirs, too.
          const siblings = allOf([row.sender]).filter((device) => device !== name);
          const isIn = row.revision !== null && memberships.isIn(row.group, row.sender, row.revision);
          const receivers = [...allOf(audience.receivers), ...(isIn ? siblings : [])];
          addresses.push({
            type: 'address',
            at: 0n,
            sender,
            chat,
            message,
            receivers,
            others: [...allOf(audience.others), ...(isIn ? [] : siblings)],
          });
        }
      }
      const waiting = database.prepare<[], { id: string }>(
        'SELECT lower(hex(message_id)) AS id FROM outbox WHERE visible = 1',
      );
      if (!isOut) for (const { id } of waiting.iterate()) unsent.add(names.get(id) ?? id);
      const time = times.get(name);
      return [...chats].map(
        ([chat, messages]): DeviceHistory => ({
          device: name,
          chat,
          listens: !isOut,
          ...(time && { time }),
          messages,
        }),
      );
    }),
  );
  const wronglyOut = owners.filter(({ ended, isOut }) => ended === 1 && !isOut).map(({ name }) => name);
  return { histories, names, unsent, addresses, memberships: memberships.counts(), synced, wronglyOut };
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
