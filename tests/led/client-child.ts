import { randomBytes } from 'node:crypto';
import {
  type Chat,
  Client,
  type DeviceId,
  type GroupChat,
  type Message,
  type SottoEvent,
  type UserId,
} from '@sotto/sdk';
import { betterSqlite3 } from '@sotto/storage-adapters/better-sqlite3';
import type { ClientCalls, ClientReport, OwnPrekey, SeenFact, SeenMessage } from './client-calls.ts';
import { FatalTracer } from './fatal-tracer.ts';
import { answer, leave, say } from './led-side.ts';
import { observedStore } from './observed-store.ts';
import { Watch } from './watch.ts';

// A client as a process of its own, on a SQLite file. It accepts every chat and marks as read what comes. Arguments: the relay, the file, how far its clock is ahead.

const [relay = '', database = '', ahead = '0'] = process.argv.slice(2);
const tracer = new FatalTracer();
const commits = new Watch();
const observed = observedStore(betterSqlite3(database), () => commits.changed());
let clockAhead = Number(ahead);
let giveCode: (code: string) => void = () => undefined;

function tell(report: ClientReport): Promise<void> {
  return say({ report });
}

function log(level: string) {
  return (event: string, fields?: object) => {
    tell({ type: 'log', line: `${level} ${event} ${JSON.stringify(fields ?? {})}` }).catch(() => process.exit(3));
  };
}

const client = await Client.open({
  relay,
  store: observed.opener,
  platform: {
    tracer,
    clock: { now: () => Date.now() + clockAhead },
    // Waits between tries to connect grow while the relay is killed again and again; the jitter's lower end keeps them short.
    randomness: { bytes: (count) => new Uint8Array(randomBytes(count)), fraction: () => 0.01 },
    logger: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
  },
});

function factOf(event: SottoEvent): SeenFact {
  if ('message' in event) return { type: event.type, about: event.message.id };
  if ('chatId' in event) return { type: event.type, about: event.chatId };
  if ('userId' in event) return { type: event.type, about: event.userId };
  if ('deviceId' in event) return { type: event.type, about: String(event.deviceId) };
  return { type: event.type, about: 'digest' in event ? event.digest : event.state };
}

/** Handles each event before it asks for the next one, as a program does that must not miss any. */
async function follow(): Promise<void> {
  for await (const event of client.events({ cursor: 'follower' })) {
    if (event.type === 'message.received') await look(event.message);
    tracer.reached('event.handled');
    if (event.type === 'connection.changed') await tell({ type: 'connection', state: event.state });
    else await tell({ type: 'event', fact: factOf(event) });
  }
}

async function look(message: Message): Promise<void> {
  const { groupId, senderId } = message;
  const chat = groupId ? await client.groups.get(groupId) : await client.chats.get(senderId as UserId);
  await chat?.accept();
  await chat?.markRead(message);
}

const following = follow();

async function groupOf(title: string): Promise<GroupChat | undefined> {
  for (const chat of await client.groups.list()) if ((await chat.info()).title === title) return chat;
  return undefined;
}

async function theGroup(title: string): Promise<GroupChat> {
  const group = await groupOf(title);
  if (group === undefined) throw new Error(`there is no group "${title}"`);
  return group;
}

async function messagesSince(
  chat: Chat,
  cursor: string | undefined,
): Promise<{ messages: Message[]; newest: string | undefined }> {
  const messages: Message[] = [];
  let newest = cursor;
  for (;;) {
    const page = await chat.history({ limit: 500, ...(newest === undefined ? { from: 'oldest' } : { after: newest }) });
    messages.push(...page.messages);
    if (page.newer === undefined) return { messages, newest };
    newest = page.newer;
  }
}

function seen({ id, outgoing, text, state, late, seq }: Message): SeenMessage {
  return { id, outgoing, text, state, late, seq };
}

async function ownPrekeys(): Promise<readonly OwnPrekey[]> {
  return (await observed.store().prekeys()).map(({ kind, id }) => ({ kind, id }));
}

answer<ClientCalls>({
  arm: (fatal) => {
    tracer.arm(fatal);
  },
  register: async ({ phone, username }) => {
    const code = ({ attemptsLeft }: { attemptsLeft: number | undefined }) =>
      new Promise<string>((resolve, reject) => {
        giveCode = resolve;
        tell({ type: 'code-wanted', attemptsLeft: attemptsLeft ?? null }).catch(reject);
      });
    const { userId, recoveryKey } = await client.register({ phone, profile: { username }, code });
    return { userId, recoveryKey };
  },
  code: (code) => {
    giveCode(code);
  },
  linkDevice: async (name) => {
    const { deviceId } = await client.linkDevice({
      name,
      onCode: (code) => void tell({ type: 'link-code', code }).catch(() => process.exit(3)),
    });
    return { deviceId };
  },
  link: async (code) => {
    await client.devices.link(code, { confirm: () => true });
  },
  revoke: (deviceId) => client.devices.revoke(deviceId as DeviceId).then(() => undefined),
  devices: async () => {
    const devices = await client.devices.list();
    return devices.map(({ deviceId, name }) => ({ id: deviceId, name }));
  },
  account: () => client.account && { ...client.account, recoveryKey: client.recoveryKey() },
  send: async ({ to, texts, together }) => {
    const chat = await client.chats.with(to);
    const send = async (text: string) => {
      const { id } = await chat.send(text);
      await tell({ type: 'sent', id, text });
    };
    if (together) await Promise.all(texts.map(send));
    else for (const text of texts) await send(text);
  },
  createGroup: async ({ title, members }) => {
    const people = await Promise.all(members.map((phone) => client.chats.with(phone)));
    return (await client.groups.create({ title, members: people.map(({ userId }) => userId) })).groupId;
  },
  changeGroup: async ({ title, change, phone }) => {
    const group = await theGroup(title);
    if (change === 'leave') return group.leave().then(() => undefined);
    const { userId } = await client.chats.with(phone);
    await (change === 'add' ? group.add([userId]) : group.remove([userId]));
  },
  sayIn: async ({ title, text }) => {
    const { id } = await (await theGroup(title)).send(text);
    await tell({ type: 'sent', id, text });
  },
  group: async (title) => {
    const group = await groupOf(title);
    if (group === undefined) return undefined;
    const { standing, members } = await group.info();
    const { messages } = await group.history({ from: 'oldest', limit: 500 });
    return {
      standing,
      members: members.map(({ userId }) => userId).sort(),
      texts: messages.map(({ text }) => text),
    };
  },
  rest: async ({ with: phone, since }) => {
    const chat = await client.chats.with(phone);
    for (;;) {
      const restless = observed.commits;
      const { messages, newest } = await messagesSince(chat, since.cursor);
      const isDone = messages.every(({ outgoing, state }) => state === (outgoing ? 'read' : 'seen'));
      if (isDone && (await observed.isQuiet())) {
        const { facts, latest } = await observed.factsSince(since.changeSeq);
        return { messages: messages.map(seen), facts, mark: { cursor: newest, changeSeq: latest } };
      }
      await commits.until(() => observed.commits > restless);
    }
  },
  setAvatar: () => client.profile.set({ avatar: new Uint8Array(1_000) }).then(() => undefined),
  deleteAccount: () => client.deleteAccount().then(() => undefined),
  standing: async () => {
    const own = await observed.store().get('account', {});
    if (own === undefined) return undefined;
    const { identityKeyPair, devicePrivateKey, rootSecret, profileKey, refreshToken } = own;
    const secrets = [identityKeyPair, devicePrivateKey, rootSecret, profileKey, refreshToken];
    return {
      ended: own.ended,
      leaving: own.deletion !== undefined,
      hasSecrets: secrets.some((secret) => secret?.some((byte) => byte !== 0) === true),
    };
  },
  lookUp: async (phone) => ({ userId: (await client.chats.with(phone)).userId }),
  accessToken: async () => (await observed.store().get('account', {}))?.accessToken ?? '',
  prekeys: ownPrekeys,
  uploadedPrekeys: async (least) => {
    for (;;) {
      const restless = observed.commits;
      const own = await observed.store().prekeys();
      const isUploaded = own.every(({ uploaded, replacedAt }) => uploaded || replacedAt !== undefined);
      if (own.length >= least && isUploaded) return ownPrekeys();
      await commits.until(() => observed.commits > restless);
    }
  },
  advance: (ms) => {
    clockAhead += ms;
  },
  stop: async () => {
    await client.stop();
    await following;
    leave();
  },
});
