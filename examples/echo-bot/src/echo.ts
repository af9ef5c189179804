import type { Bot } from '@sotto/sdk/bot';

const help =
  'Write anything, and I say it back; in groups begin with my name, as in "@Echo hello". /time tells the time, /help this.';

/** Teaches a bot to say everything back. */
export function echo(bot: Bot, now: () => Date): Bot {
  return bot
    .command('start', (ctx) => ctx.reply(`Hello! ${help}`))
    .command('help', (ctx) => ctx.reply(help))
    .command('time', (ctx) => ctx.reply(now().toISOString()))
    .on('message:text', (ctx) => ctx.reply(ctx.text === '' ? help : ctx.text));
}
