import { Bot, type BotOptions } from '@sotto/sdk/bot';
import { expect, it } from 'vitest';
import { testWorld } from '../src/index.ts';

/** As JavaScript, and a spread of what an application was configured with, may have it. */
const given = (options: { readonly [Name in keyof BotOptions]: BotOptions[Name] | undefined }) => options as BotOptions;

const atOnce: BotOptions['timers'] = {
  after: (_ms, run) => {
    queueMicrotask(run);
    return () => undefined;
  },
};

it.each([
  ['none', given({})],
  ['cursor', given({ cursor: undefined })],
  ['acceptStrangers', given({ acceptStrangers: undefined })],
  ['chatsAtOnce', given({ chatsAtOnce: undefined })],
  ['tries', given({ tries: undefined })],
  ['timers', given({ timers: undefined })],
])('a bot has the default of an option that is given as undefined: %s', async (_, options) => {
  await using world = await testWorld();
  const [alice, bob] = [await world.user('Alice'), await world.user('Bob')];
  const bot = new Bot(alice.client, 'timers' in options ? options : { ...options, timers: atOnce });
  let tries = 0;
  const failed: string[] = [];
  bot.on('message:text', () => {
    tries++;
    throw new Error('no handler for it');
  });
  bot.catch((_error, { message }) => void failed.push(message.text));
  const running = bot.start();
  await (await bob.client.chats.with(alice.number)).send('hello');
  await world.settle();
  // Those of the platform wait in real time: it is stopped before the second try.
  expect([tries, failed]).toEqual('timers' in options ? [1, []] : [3, ['hello']]);
  await bot.stop();
  await running;
});
