import { expect, it } from 'vitest';
import { memoryStore } from '../adapters/memory/memory-store.ts';
import { Client } from './client.ts';

const relay = 'http://127.0.0.1:1';

const refusal = (message: RegExp) =>
  expect.objectContaining({ code: 'argument-invalid', message: expect.stringMatching(message) });

it.each([
  ['nothing', undefined, /takes its options in an object: \{ relay,/],
  ['no store', { relay }, /needs a store: what betterSqlite3/],
  ['a path for a store', { relay, store: 'alice.db' }, /store of Client\.open is what betterSqlite3/],
  ['null for a store', { relay, store: null }, /store of Client\.open is what betterSqlite3/],
  [
    'a mistyped name',
    { relay, store: memoryStore(), reciepts: false },
    /no option "reciepts": it takes relay, .*receipts/,
  ],
  ['a string for a flag', { relay, store: memoryStore(), receipts: 'no' }, /receipts of Client\.open is true or false/],
  ['a policy that there is not', { relay, store: memoryStore(), identityPolicy: 'never' }, /is accept, block-verified/],
  ['a mistyped part', { relay, store: memoryStore(), platform: { loger: {} } }, /no option "loger": it takes clock/],
])('refuses to open with %s', async (_, options, message) => {
  await expect(Client.open(options as never)).rejects.toEqual(refusal(message));
});

const code = () => '1';
const profile = { username: 'Alice' };

it.each([
  ['nothing', undefined, /takes its options in an object/],
  ['no profile', { phone: '+14155550101', code }, /needs a profile/],
  ['no code', { phone: '+14155550101', profile }, /needs code/],
  ['a mistyped name', { phone: '+14155550101', profile, code, recoverykey: 'x' }, /no option "recoverykey"/],
  ['a mistyped part of the profile', { phone: '+1', profile: { ...profile, avatr: 1 }, code }, /no option "avatr"/],
  ['a string for a picture', { phone: '+1', profile: { ...profile, avatar: 'nope' }, code }, /is a Uint8Array/],
  ['a number for a signal', { phone: '+14155550101', profile, code, signal: 5 }, /is an AbortSignal/],
])('refuses to register with %s, before anything is sent', async (_, options, message) => {
  await using client = await Client.open({ relay, store: memoryStore() });
  await expect(client.register(options as never)).rejects.toEqual(refusal(message));
});

it.each<[string, (client: Client) => unknown, RegExp]>([
  ['an unknown option of changeNumber', (client) => client.changeNumber({ fone: '+1' } as never), /no option "fone"/],
  ['a signal of flush that is none', (client) => client.flush({ signal: {} as never }), /is an AbortSignal/],
  ['an unknown option of deleteAccount', (client) => client.deleteAccount({ sure: true } as never), /"sure"/],
  ['a signal of events that is none', (client) => client.events({ signal: 5 as never }), /is an AbortSignal/],
  ['an unknown option of events', (client) => client.events({ curser: 'a' } as never), /no option "curser"/],
  ['an unknown option of consume', (client) => client.consume({ curser: 'a' } as never), /no option "curser"/],
  [
    'an event that there is not',
    (client) => client.on('message.recieved' as never, () => undefined),
    /message\.received/,
  ],
  ['no listener', (client) => client.on('message.received', undefined as never), /give the function/],
  ['a text to list after', ({ chats }) => chats.list({ after: 'zzz' as never }), /the page before gave as `next`/],
  ['an unknown option of list', ({ chats }) => chats.list({ limit: 5 } as never), /no option "limit"/],
  ['an unknown option of with', ({ chats }) => chats.with('+14155550102', { timeout: 5 } as never), /"timeout"/],
  ['no change of the profile', (client) => client.profile.set(undefined as never), /profile\.set takes its options in/],
  ['a picture that is no bytes', (client) => client.profile.set({ avatar: 'nope' as never }), /a Uint8Array, or null/],
  ['a picture of nobody', (client) => client.profile.fetchAvatar('x' as never), /takes a user id/],
  ['a chat without its id', (client) => client.chats.get(undefined as never), /chats\.get takes an id/],
  [
    'a line of a chat without its id',
    (client) => client.chats.summary(undefined as never),
    /chats\.summary takes an id/,
  ],
  ['a group by its title', (client) => client.groups.get('Rowing club' as never), /groups\.get takes an id/],
  ['a person without their id', (client) => client.people.get(undefined as never), /people\.get takes an id/],
  ['an unknown option of a lock', (client) => client.registrationLock.isSet({ pin: 'x' } as never), /"pin"/],
])('refuses %s', async (_, call, message) => {
  await using client = await Client.open({ relay, store: memoryStore() });
  await expect((async () => call(client))()).rejects.toEqual(refusal(message));
});

it('refuses a consumer without a name', async () => {
  await using client = await Client.open({ relay, store: memoryStore() });
  await expect(client.consume({} as never)).rejects.toMatchObject({ code: 'cursor-invalid' });
});

it('takes what is undefined for left out', async () => {
  const options = { relay, store: memoryStore(), receipts: undefined, platform: undefined };
  await using client = await Client.open(options as never);
  expect(client.connection).toBe('stopped');
});

it('says that it was stopped, whatever is asked for', async () => {
  const client = await Client.open({ relay, store: memoryStore() });
  await client.stop();
  await expect(client.chats.list()).rejects.toMatchObject({ code: 'client-stopped' });
  await expect(client.flush()).rejects.toMatchObject({ code: 'client-stopped' });
  await expect(client.register({} as never)).rejects.toMatchObject({ code: 'client-stopped' });
});
