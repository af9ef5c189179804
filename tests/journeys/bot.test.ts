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
    const number = world.phone(900);
    await using bot = new EchoBot(world.url, join(world.folder, 'bot'), number);
    bot.start();
    await bot.says('Code: ');
    bot.type(await world.codeFor(number));
    await bot.says('answers');

    const chat = await alice.client.chats.with(number);
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

describe('a bot in a group', () => {
  const inGroup = async (world: JourneyWorld) => {
    const [alice, carol, host] = [await world.person(), await world.person(), world.newcomer()];
    await host.open();
    await host.register({ profile: { username: 'Echo Bot' } });
    await host.live();
    const members = [await alice.chat(carol), await alice.chat(host)];
    const group = await alice.client.groups.create({ title: 'with a bot', members });
    return { alice, carol, host, group };
  };
  const heard = (person: { incoming(): readonly Message[] }) =>
    person.incoming().flatMap(({ text, groupId }) => (groupId === undefined ? [] : [text]));

  it('answers there what is said to it, for all to see, and nothing else', async () => {
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const { alice, carol, host, group } = await inGroup(world);
    await using bot = new Bot(host.client);
    bot.command('time', (ctx) => ctx.reply(`noon ${ctx.args.join(' ')}`));
    bot.hears(/^order (\d+)$/, (ctx) => ctx.reply(`${ctx.chat.type} order ${ctx.match[1]}`));
    bot.on('message:text', (ctx) => ctx.reply(`text ${ctx.text}`));
    const running = bot.start();
    for (const text of ['hello all', '/time@Other', '@echo bot order 7', '/time in UTC', '@Echo Bot: done']) {
      await group.send(text);
    }
    const answers = ['group order 7', 'noon in UTC', 'text done'];
    const answered = (person: typeof alice) =>
      heard(person).filter((text) => answers.includes(text) || text.startsWith('text'));
    for (const person of [alice, carol]) await world.watch.until(() => answered(person).length >= answers.length);
    // What began with the key of a chain on its way may come late.
    for (const person of [alice, carol]) expect([...answered(person)].sort()).toEqual(answers);
    await bot.stop();
    await running;
    const found = await host.client.groups.get(group.groupId);
    const handled = (await found?.history())?.messages.filter(({ text }) => /order|UTC|done/.test(text)) ?? [];
    const states = handled.flatMap(({ outgoing, state }) => (outgoing ? [] : [state]));
    expect(states).toEqual(['seen', 'seen', 'seen']);
    // It was brought in by a stranger.
    expect((await host.client.chats.requests()).chats).toEqual([]);
  });

  it.each([
    ['all', ['text hello all', 'text /time@Other', 'text hi']],
    ['none', []],
  ] as const)('hears what it is told to hear: %s', async (groups, expected) => {
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const { alice, host, group } = await inGroup(world);
    await using bot = new Bot(host.client, { groups });
    bot.on('message:text', (ctx) => ctx.reply(`text ${ctx.text}`));
    const running = bot.start();
    for (const text of ['hello all', '/time@Other', '@Echo Bot hi']) await group.send(text);
    await (await alice.chat(host)).send('between us');
    await alice.received('text between us');
    await world.watch.until(() => heard(alice).length >= expected.length);
    await bot.stop();
    await running;
    expect([...heard(alice)].sort()).toEqual([...expected].sort());
  });
});
