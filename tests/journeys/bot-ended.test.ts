import { Bot } from '@sotto/sdk/bot';
import { expect, it } from 'vitest';
import { JourneyWorld } from './journey-world.ts';
import { failureOf } from './person.ts';

it('P5: a bot whose number was registered elsewhere ends with session-ended, so that whoever runs it is told', async () => {
  await using world = await JourneyWorld.open({ stores: 'memory' });
  const owner = await world.person();
  const bot = new Bot(owner.client);
  const running = failureOf(bot.start());
  const thief = await world.nextPhone(owner);
  await thief.register();
  expect(await running).toMatchObject({ code: 'session-ended', endReason: 'account-replaced' });
  await bot.stop();
  // And whoever starts it again is not told to register, as with an empty store.
  await owner.stop();
  await owner.open();
  const again = new Bot(owner.client);
  expect(await failureOf(again.start())).toMatchObject({ code: 'session-ended', endReason: 'account-replaced' });
  await again.stop();
});
