import { Client, type GroupChat, memoryStore } from '@sotto/sdk';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PipedChat } from './piped-chat.ts';
import { Relay } from './relay.ts';

const [aliceNumber, bobNumber, carolNumber] = ['+14155550101', '+14155550102', '+14155550103'] as const;
const relay = new Relay();
const chats: PipedChat[] = [];

function piped(folder: string, ...flags: readonly string[]): PipedChat {
  const chat = new PipedChat(relay.command(folder, '--plain', ...flags));
  chats.push(chat);
  return chat;
}

async function registered(phone: string, username: string): Promise<Client> {
  const client = await Client.open({ relay: relay.url, store: memoryStore() });
  await client.register({ phone, profile: { username }, code: () => relay.codeFor(phone) });
  return client;
}

async function newcomer(folder: string, number: string, name: string): Promise<PipedChat> {
  const chat = piped(folder);
  await chat.tells(/your number/);
  for (const answer of [number, name, '']) chat.write(answer);
  await chat.tells(/the code that was sent/);
  chat.write(await relay.codeFor(number));
  await chat.tells(/recovery key down/);
  return chat;
}

beforeAll(() => relay.start());
afterAll(async () => {
  for (const chat of chats) await chat.kill();
  await relay.stop();
});

it('makes a group, writes into it, looks at it, changes and leaves it', async ({ signal }) => {
  await using bob = await registered(bobNumber, 'Bob');
  await using carol = await registered(carolNumber, 'Carol');
  const told = bob.events({ signal });
  const next = async (type: string) => {
    for (;;) {
      const { value, done } = await told.next();
      if (done) throw new Error('the events have ended');
      if (value.type === type) return value;
    }
  };
  const alice = await newcomer('alice', aliceNumber, 'Alice');
  alice.write(':info');
  await alice.tells(/this is for a group: open one first/);
  alice.write(`:group Rowing club ${bobNumber} ${carolNumber}`);
  await alice.tells(/Rowing club is made, with 3 people/);
  alice.write('who rows?');
  alice.write('::) is no command');
  const first = await next('message.received');
  const second = await next('message.received');
  const texts = [first, second].map((event) => (event.type === 'message.received' ? event.message.text : ''));
  expect(texts.sort()).toEqual([':) is no command', 'who rows?']);

  const [atBob] = (await bob.groups.list()) as [GroupChat];
  await atBob.send('I do');
  await alice.tells(/Rowing club, (Bob|\+14155550102): I do\n/);
  alice.write(`:remove ${carolNumber}`);
  await alice.tells(/2 people, you are its owner/);
  alice.write(':title Rowers');
  await next('group.changed');
  alice.write(':groups');
  await alice.tells(/Rowers: 2 people, you are its owner/);
  alice.write(':join nowhere');
  await alice.tells(/chat: [^\n]*link/);
  expect(await alice.end()).toBe(1);

  // By its title, from the command line on.
  const again = piped('alice', '--to', 'rowers');
  again.write('found it');
  again.write(':leave');
  await again.tells(/You have left/);
  expect(await again.end()).toBe(0);
  expect((await carol.groups.list()).length).toBe(1);
});

it('links a second device by a code, which reads what the first one reads, and takes it out again', async () => {
  const dave = await newcomer('dave', '+14155550104', 'Dave');
  const tablet = piped('tablet', '--link-as', 'Tablet');
  await tablet.tells(/\n[^\n]*[▀▄█]{10}[\s\S]*:link sotto-link:\S+/);
  const [, code = ''] = /:link (sotto-link:\S+)/.exec(tablet.said) ?? [];
  dave.write(`:link ${code}`);
  await dave.tells(/calls itself Tablet wants to read and write as you/);
  dave.write(`:link ${code} yes`);
  await tablet.tells(/is \+14155550104 \(Dave\) your account\?/);
  tablet.write('yes');
  await tablet.tells(/this is a device of \+14155550104 now/);
  await dave.tells(/your device Tablet was let in/);
  dave.write(':devices');
  await dave.tells(/1 {2}[^\n]*the first one, this one[\s\S]*2 {2}Tablet/);

  await using erin = await registered('+14155550105', 'Erin');
  await (await erin.chats.with('+14155550104')).send('to both');
  await dave.tells(/: to both\n/);
  await tablet.tells(/: to both\n/);
  dave.write(':rename 2 Old tablet');
  await dave.tells(/2 {2}Old tablet/);
  dave.write(':revoke 1');
  await dave.tells(/first device can not be taken out/);
  dave.write(':revoke 2');
  await dave.tells(/your device Old tablet was taken out/);
  expect(await dave.end()).toBe(1);
});
