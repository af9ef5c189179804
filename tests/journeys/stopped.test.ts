import type { Chat, Client, GroupChat, GroupId, UserId } from '@sotto/sdk';
import { expect, it } from 'vitest';
import { groupOf, idOf } from './group-watch.ts';
import { JourneyWorld } from './journey-world.ts';

/** A call of each method: one that is missing does not compile, and neither does one that there is no more. */
type Calls<On> = {
  readonly [Name in keyof On as On[Name] extends (...args: never[]) => unknown ? Name : never]: (on: On) => unknown;
};

/** The parts of a client: all that it has besides methods and what can be read off it. */
type Parts = {
  readonly [Name in keyof Client as Client[Name] extends (...args: never[]) => unknown
    ? never
    : Client[Name] extends object
      ? Name
      : never]: Calls<Client[Name]>;
};

/** What may be asked of a client that was stopped: to stop, and what it has counted. */
type Allowed = 'stop' | typeof Symbol.asyncDispose | 'droppedSignals' | 'droppedMessages';

const someone = crypto.randomUUID() as UserId;
const number = '+14155559999';
const link = 'sotto-group:none';
const code = () => '123456';

/** None of them is right: a client that was stopped says so before it looks at anything else. */
const clientCalls: Omit<Calls<Client>, Allowed> = {
  register: (client) => client.register({ phone: 'none', profile: { username: '' }, code }),
  linkDevice: (client) => client.linkDevice({ name: '', onCode: () => undefined }),
  changeNumber: (client) => client.changeNumber({ phone: number, code }),
  deleteAccount: (client) => client.deleteAccount(),
  recoveryKey: (client) => client.recoveryKey(),
  reconnect: (client) => client.reconnect(),
  events: (client) => client.events({ cursor: '' }).next(),
  consume: (client) => client.consume({ cursor: '' }),
  on: (client) => client.on('message.sent', () => undefined),
  flush: (client) => client.flush(),
  block: (client) => client.block(someone),
  unblock: (client) => client.unblock(someone),
  blocked: (client) => client.blocked(),
};

const partCalls: Parts = {
  chats: {
    with: (chats) => chats.with('none'),
    get: (chats) => chats.get(someone),
    summary: (chats) => chats.summary(someone),
    list: (chats) => chats.list(),
    requests: (chats) => chats.requests(),
  },
  groups: {
    create: (groups) => groups.create({ title: '', members: [] }),
    get: (groups) => groups.get(crypto.randomUUID() as GroupId),
    list: (groups) => groups.list(),
    preview: (groups) => groups.preview(link),
    previewAvatar: (groups) => groups.previewAvatar(link),
    join: (groups) => groups.join(link),
    chatOf: (groups) => groups.chatOf(crypto.randomUUID() as GroupId),
  },
  people: { get: (people) => people.get(someone) },
  devices: {
    list: (devices) => devices.list(),
    link: (devices) => devices.link('', { confirm: () => true }),
    rename: (devices) => devices.rename(9 as never, ''),
    revoke: (devices) => devices.revoke(9 as never),
  },
  profile: {
    set: (profile) => profile.set({ username: '' }),
    fetchAvatar: (profile) => profile.fetchAvatar(someone),
  },
  registrationLock: {
    set: (lock) => lock.set(''),
    remove: (lock) => lock.remove(),
    isSet: (lock) => lock.isSet(),
  },
};

const chatCalls: Calls<Chat> = {
  send: (chat) => chat.send(''),
  history: (chat) => chat.history({ limit: 0 }),
  progress: (chat) => chat.progress({ id: someone as never }),
  markRead: (chat) => chat.markRead({ id: someone as never }),
  setTyping: (chat) => chat.setTyping(true),
  accept: (chat) => chat.accept(),
  decline: (chat) => chat.decline(),
  mute: (chat) => chat.mute(-1),
  setReceipts: (chat) => chat.setReceipts(undefined),
  report: (chat) => chat.report(),
  safetyNumber: (chat) => chat.safetyNumber(),
  verifySafetyNumber: (chat) => chat.verifySafetyNumber(new Uint8Array()),
  setVerified: (chat) => chat.setVerified(true),
  identity: (chat) => chat.identity(),
  acceptIdentity: (chat) => chat.acceptIdentity(),
  setIdentityPolicy: (chat) => chat.setIdentityPolicy(undefined),
};

const groupCalls: Calls<GroupChat> = {
  send: (group) => group.send(''),
  history: (group) => group.history({ limit: 0 }),
  progress: (group) => group.progress({ id: someone as never }),
  markRead: (group) => group.markRead({ id: someone as never }),
  info: (group) => group.info(),
  add: (group) => group.add([]),
  remove: (group) => group.remove([]),
  leave: (group) => group.leave(),
  setRole: (group) => group.setRole(someone, 'admin'),
  transferOwnership: (group) => group.transferOwnership(someone),
  setTitle: (group) => group.setTitle(''),
  setAvatar: (group) => group.setAvatar(undefined),
  fetchAvatar: (group) => group.fetchAvatar(),
  setSettings: (group) => group.setSettings({}),
  openInvite: (group) => group.openInvite(),
  closeInvite: (group) => group.closeInvite(),
  approveRequest: (group) => group.approveRequest(someone),
  declineRequest: (group) => group.declineRequest(someone),
  accept: (group) => group.accept(),
  acceptFork: (group) => group.acceptFork(),
  mute: (group) => group.mute(-1),
  setReceipts: (group) => group.setReceipts(undefined),
  report: (group) => group.report(someone),
};

/** How a call fails: a promise has to reject, it must not throw before it is one. */
async function failureOf(call: () => unknown): Promise<string> {
  let given: unknown;
  try {
    given = call();
  } catch (error) {
    return `thrown ${codeOf(error)}`;
  }
  if (!(given instanceof Promise)) return 'nothing';
  return given.then(
    () => 'nothing',
    (error: unknown) => `rejected ${codeOf(error)}`,
  );
}

const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : String(error));

/** Methods that give no promise. */
const throwing = new Set(['recoveryKey', 'reconnect', 'on', 'chatOf', 'setTyping']);

/** The failures of all calls of a table, beside what they should be. */
async function expectStopped<On>(name: string, calls: Partial<Calls<On>>, on: On): Promise<number> {
  const names = Object.keys(calls);
  const found: Record<string, string> = {};
  for (const [method, call] of Object.entries(calls) as [string, (on: On) => unknown][])
    found[`${name}.${method}`] = await failureOf(() => call(on));
  const wanted = names.map((method) => [
    `${name}.${method}`,
    `${throwing.has(method) ? 'thrown' : 'rejected'} client-stopped`,
  ]);
  expect(found).toEqual(Object.fromEntries(wanted));
  return names.length;
}

it.each(['stopping', 'stopped'])(
  'everything that is asked of a client that is %s fails with client-stopped, in the same way',
  async (when) => {
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const [alice, bob] = [await world.person(), await world.person()];
    const group = await groupOf(world, alice, bob);
    const { client } = alice;
    const chat = await client.chats.with(bob.phone);
    const { userId } = client.account ?? {};
    const stopping = client.stop();
    if (when === 'stopped') await stopping;
    let calls = 0;
    const { chats, groups, people, devices, profile, registrationLock } = client;
    calls += await expectStopped('client', clientCalls, client);
    calls += await expectStopped('chats', partCalls.chats, chats);
    calls += await expectStopped('groups', partCalls.groups, groups);
    calls += await expectStopped('people', partCalls.people, people);
    calls += await expectStopped('devices', partCalls.devices, devices);
    calls += await expectStopped('profile', partCalls.profile, profile);
    calls += await expectStopped('registrationLock', partCalls.registrationLock, registrationLock);
    calls += await expectStopped('chat', chatCalls, chat);
    calls += await expectStopped('group', groupCalls, group);
    expect(calls).toBeGreaterThan(70);
    await stopping;
    // What it has counted, and who it was, can still be read.
    expect([client.connection, client.busy, client.droppedMessages()]).toEqual(['stopped', false, 0]);
    expect(client.droppedSignals()).toEqual(expect.any(Object));
    expect(userId).toBe(idOf(alice));
  },
);
