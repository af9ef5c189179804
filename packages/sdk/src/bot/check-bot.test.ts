import { expect, it } from 'vitest';
import { memoryStore } from '../adapters/memory/memory-store.ts';
import { Client } from '../client/client.ts';
import { Bot } from './bot.ts';

const refusal = (message: RegExp) =>
  expect.objectContaining({ code: 'argument-invalid', message: expect.stringMatching(message) });
const handler = () => undefined;
const here = { relay: 'http://localhost:1', store: memoryStore() };

it.each([
  ['nothing', undefined, /^Bot\.open takes its options in an object: \{ relay,/],
  ['a name that there is not', { ...here, acceptStranger: true }, /no option "acceptStranger": it takes relay,/],
  ['no store', { relay: here.relay }, /^Bot\.open needs a store: what betterSqlite3/],
  ['a part of the platform that there is not', { ...here, platform: { clok: {} } }, /no option "clok"/],
  ['a string for a flag', { ...here, acceptStrangers: 'no' }, /acceptStrangers of Bot\.open is true or false/],
])('is not opened with %s', async (_, options, message) => {
  await expect(Bot.open(options as never)).rejects.toEqual(refusal(message));
});

it.each<[string, (bot: Bot) => unknown, RegExp]>([
  ['an option that is the client’s', ({ client }) => new Bot(client, { relay: '' } as never), /no option "relay"/],
  [
    'a filter that there is not',
    (bot) => bot.on('message:photo' as never, handler),
    /take one of message, message:text/,
  ],
  ['a filter without a handler', (bot) => bot.on('message'), /^on takes a handler/],
  ['nothing to use', (bot) => bot.use(), /^use takes a handler/],
  ['a command without a handler', (bot) => bot.command('x'), /^command takes a handler/],
  ['a command with text for a handler', (bot) => bot.command('x', 'hello' as never), /^command takes a handler/],
  ['a command without a name', (bot) => bot.command(undefined as never, handler), /^a command has 1 to 32/],
  ['a number to hear', (bot) => bot.hears(5 as never, handler), /^hears takes a string or a RegExp/],
  ['a text to hear without a handler', (bot) => bot.hears('hi'), /^hears takes a handler/],
  ['no function to catch with', (bot) => bot.catch(undefined as never), /^catch takes a handler/],
  ['a signal that is none', (bot) => bot.start({ signal: 5 as never }), /^signal of start is an AbortSignal/],
])('refuses %s', async (_, call, message) => {
  await using client = await Client.open({ ...here, store: memoryStore() });
  const bot = new Bot(client);
  expect(() => call(bot)).toThrow(refusal(message));
});
