import { join } from 'node:path';
import type { Message } from '@sotto/sdk';
import { Bot, type MessageContext } from '@sotto/sdk/bot';
import type { Timers } from '@sotto/sdk/ports';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { EchoBot } from './echo-bot.ts';
import { JourneyWorld } from './journey-world.ts';

describe('a bot', () => {
  it('is killed again and again, and answers each message once and in order', async () => {
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const alice = await world.person();
    await using bot = new EchoBot(world.url, join(world.folder, 'bot'), '+14155550900');
    bot.start();
    await bot.says('Code: ');
    bot.type(await world.codeFor('+14155550900'));
    await bot.says('answers');

    const chat = await alice.client.chats.with('+14155550900');
    const texts = Array.from({ length: 40 }, (_, at) => `message ${at + 1}`);
    const answers = () => alice.incoming().map(({ text }) => text);
    for (const [at, text] of texts.entries()) {
      await chat.send(text);
      if (at % 20 !== 19) continue;
      // Somewhere in the middle of what was sent so far.
      await world.watch.until(() => answers().length > at - 15);
      await bot.kill();
      bot.start();
    }
    await world.watch.until(() => answers().length >= texts.length);
    await chat.send('/help');
    await world.watch.until(() => answers().length > texts.length);
    expect(answers().slice(0, -1)).toEqual(texts);
    expect(answers().at(-1)).toMatch(/^Write anything/);
  });

  it('leads each message to its handlers, which know what they get', async () => {
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const [alice, host] = [await world.person(), await world.person()];
    const seen: string[] = [];
    await using bot = new Bot(host.client);
    bot.use(async (_ctx, next) => {
      seen.push('before');
      await next();
      seen.push('after');
    });
    bot.command('add', (ctx) => {
      expectTypeOf(ctx.args).toEqualTypeOf<readonly string[]>();
      expectTypeOf(ctx.message.kind).toEqualTypeOf<'text'>();
      return ctx.reply(`= ${ctx.args.map(Number).reduce((sum, number) => sum + number, 0)}`);
    });
    bot.hears(/order (\d+)/g, async (ctx, next) => {
      expectTypeOf(ctx.match).toEqualTypeOf<RegExpExecArray>();
      await ctx.reply(`order ${ctx.match[1]}`);
      await next();
    });
    bot.hears('ping', (ctx) => {
      expectTypeOf(ctx.match).toEqualTypeOf<string>();
      return ctx.reply('pong');
    });
    bot.on('message:text', (ctx) => ctx.reply(`text ${ctx.message.text}`));
    bot.on('message', (ctx) => {
      expectTypeOf(ctx).toEqualTypeOf<MessageContext>();
      seen.push('never: the handler before took it');
    });
    const running = bot.start();
    const chat = await alice.chat(host);
    for (const text of ['/add 1 2 39', '/ADD', 'order 7', 'ping', 'pingpong']) await chat.send(text);
    await alice.received('text pingpong');
    expect(alice.incoming().map(({ text }) => text)).toEqual([
      '= 42',
      '= 0',
      'order 7',
      'text order 7',
      'pong',
      'text pingpong',
    ]);
    await bot.stop();
    await running;
    expect(seen).toEqual(Array.from({ length: 5 }, () => ['before', 'after']).flat());
    // Its chat was accepted, and what it has handled is read.
    expect((await host.client.chats.list()).chats).toMatchObject([{ accepted: true, unread: 0 }]);
  });

  it('tries again what failed, gives it up to catch, and goes on; without catch it ends, and the message comes again', async () => {
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const [alice, host] = [await world.person(), await world.person()];
    const timers: Timers = {
      after: (_ms, run) => {
        queueMicrotask(run);
        return () => undefined;
      },
    };
    let tries = 0;
    const failing = (ctx: MessageContext): Promise<Message> => {
      tries++;
      if (ctx.message.text === 'poison') throw new Error('it hurts');
      return ctx.reply(`ok ${ctx.message.text}`);
    };
    const given: unknown[] = [];
    const first = new Bot(host.client, { timers }).on('message', failing).catch((error, ctx) => {
      given.push([error, ctx.message.text]);
    });
    const running = first.start();
    const chat = await alice.chat(host);
    await chat.send('poison');
    await chat.send('fine');
    await alice.received('ok fine');
    expect([tries, given]).toEqual([4, [[new Error('it hurts'), 'poison']]]);
    await first.stop();
    await running;

    const second = new Bot(host.client, { timers, tries: 1 }).on('message', failing);
    const ending = second.start();
    await chat.send('poison');
    await expect(ending).rejects.toThrow('it hurts');
    const third = new Bot(host.client, { timers }).on('message', (ctx) => ctx.reply(`mended ${ctx.message.text}`));
    const mended = third.start();
    await alice.received('mended poison');
    await third.stop();
    await mended;
    expect(alice.incoming().map(({ text }) => text)).toEqual(['ok fine', 'mended poison']);
  });
});
