import { Client, memoryStore } from '@sotto/sdk';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PipedChat } from './piped-chat.ts';
import { Relay } from './relay.ts';

const aliceNumber = '+14155550101';
const bobNumber = '+14155550102';
const relay = new Relay();
const chats: PipedChat[] = [];

function piped(...flags: readonly string[]): PipedChat {
  const chat = new PipedChat(relay.command('alice', '--plain', ...flags));
  chats.push(chat);
  return chat;
}

beforeAll(() => relay.start());
afterAll(async () => {
  for (const chat of chats) await chat.kill();
  await relay.stop();
});

it('sends what is piped in, prints what comes, and goes on where it was', async ({ signal }) => {
  await using bob = await Client.open({ relay: relay.url, store: memoryStore() });
  await bob.register({ phone: bobNumber, profile: { username: 'Bob' }, code: () => relay.codeFor(bobNumber) });
  const events = bob.events({ signal });
  const next = async (): Promise<string> => {
    for (;;) {
      const { value, done } = await events.next();
      if (done) throw new Error('the events have ended');
      if (value.type === 'message.received') return value.message.text;
    }
  };

  const tooEarly = piped('--to', bobNumber);
  await tooEarly.tells(/no account here yet: start once without/);
  expect(await tooEarly.end()).toBe(2);

  const newcomer = piped();
  await newcomer.tells(/your number/);
  newcomer.write('Alice');
  await newcomer.tells(/no number in international form[\s\S]*your number[^\n]*\n$/);
  for (const answer of [aliceNumber, 'Alice', '']) newcomer.write(answer);
  await newcomer.tells(/the code that was sent/);
  newcomer.write('0');
  await newcomer.tells(/code[^\n]*digits[\s\S]*the code that was sent[^\n]*\n$/);
  newcomer.write(await relay.codeFor(aliceNumber));
  await newcomer.tells(/recovery key down, and show it to nobody: \w{4}-/);
  expect(await newcomer.end()).toBe(0);

  const first = piped('--to', bobNumber);
  first.write('one');
  first.write('two');
  expect(await first.end()).toBe(0);
  // With the relay before the end, although nobody waited for them to arrive.
  expect([await next(), await next()]).toEqual(['one', 'two']);
  expect(first.printed).toBe('');

  const chat = await bob.chats.with(aliceNumber);
  await chat.send('while you\n\x1b[31mwere away');
  const second = piped();
  await second.tells(/away\n/);
  await chat.send('and now');
  await second.tells(/now\n/);
  second.write('to nobody');
  await second.tells(/not sent: start with --to/);
  expect(await second.end()).toBe(1);
  // By the number until the profile has come.
  expect(second.printed.replace(/^(Bob|\+14155550102): /gm, 'he: ')).toBe(
    'he: while you\n  ␛[31mwere away\nhe: and now\n',
  );

  const third = piped('--to', bobNumber);
  third.write('three');
  expect(await third.end()).toBe(0);
  expect(await next()).toBe('three');
  expect(third.printed).toBe('');

  // Nothing to read, and mail that waits.
  for (const text of ['x', 'y', 'z']) await chat.send(text);
  await bob.flush();
  const fourth = piped();
  expect(await fourth.end()).toBe(0);
  expect(fourth.printed.match(/: \w$/gm)).toEqual([': x', ': y', ': z']);
  expect(fourth.said).toBe('');

  // A command, and a line to a chat, find what came while it was away.
  await chat.send('come in');
  await bob.groups.create({ title: 'Rowers', members: [chat] });
  await bob.flush();
  const fifth = piped('--to', 'Rowers');
  fifth.write(':groups');
  fifth.write('here I am');
  expect(await fifth.end()).toBe(0);
  expect(fifth.printed).toMatch(/: come in\n$/);
  expect(fifth.said).toContain('chat: Rowers: 2 people, you are its member\n');
  expect(await next()).toBe('here I am');
});

it('says how to come back in when its device was taken out of the account', async () => {
  const number = '+14155550103';
  await using carol = await Client.open({ relay: relay.url, store: memoryStore() });
  await carol.register({ phone: number, profile: { username: 'Carol' }, code: () => relay.codeFor(number) });
  const tablet = new PipedChat(relay.command('tablet', '--plain', '--link-as', 'Tablet'));
  chats.push(tablet);
  await tablet.tells(/:link \S+\n/);
  const [, code = ''] = /:link (\S+)\n/.exec(tablet.said) ?? [];
  const device = await carol.devices.link(code, { confirm: () => true });
  await tablet.tells(/is \+14155550103 \(Carol\) your account/);
  tablet.write('yes');
  await tablet.tells(/this is a device of/);
  if (device === undefined) throw new Error('it was not let in');
  await carol.devices.revoke(device.deviceId);
  await tablet.tells(/this device was taken out of the account: --link-as NAME brings it back in/);
  expect(await tablet.end()).toBe(1);

  // To register, as a new store would, would put Carol's other devices out: nothing is asked, whatever is piped in.
  for (const flags of [[], ['--to', aliceNumber]]) {
    const again = new PipedChat(relay.command('tablet', '--plain', ...flags));
    chats.push(again);
    again.write(number);
    expect(await again.end()).toBe(1);
    expect(again.said).toBe(
      'chat: this device was taken out of the account: --link-as NAME brings it back in; another --data FOLDER makes another account\n',
    );
  }
});

it('says in a line that there is no such group, or no such device', async () => {
  const number = '+14155550104';
  const newcomer = new PipedChat(relay.command('dave', '--plain'));
  chats.push(newcomer);
  for (const answer of [number, 'Dave', '']) newcomer.write(answer);
  newcomer.write(await relay.codeFor(number));
  await newcomer.tells(/recovery key down/);
  newcomer.write(':link sotto-link:abc');
  newcomer.write(':revoke 7');
  await newcomer.tells(/no such device/);
  expect(await newcomer.end()).toBe(1);
  expect(newcomer.said).toMatch(
    /chat: this is no code for linking: write all of it, as the new device shows it\nchat: there is no such device: see :devices\n$/,
  );

  const nowhere = new PipedChat(relay.command('dave', '--plain', '--to', 'No such group'));
  chats.push(nowhere);
  expect(await nowhere.end()).toBe(1);
  expect(nowhere.said).toBe('chat: there is no group of this title: see :groups; people are opened by their number\n');
});

it('says once that the relay is not there, and ends without it', async () => {
  const alone = piped('--relay', 'http://127.0.0.1:9');
  expect(await alone.end()).toBe(1);
  expect(alone.said).toBe('chat: the relay can not be reached: trying again; what you write is queued\n');
});

it('names a data folder that can not be one', async () => {
  const wrong = piped('--data', import.meta.filename);
  expect(await wrong.end()).toBe(1);
  expect(wrong.said).toMatch(/^chat: \S+ is no folder: name a folder by --data\n$/);
});
