import { expect, it } from 'vitest';
import { chatOf, groupOf, hasMembers, hasTitle, idOf, sees } from './group-watch.ts';
import { HandTime } from './hand-time.ts';
import { JourneyWorld } from './journey-world.ts';

const day = 24 * 3_600_000;

it('a member who was away for longer than mail is kept comes back from the log, and asks for the keys that were lost  [security: group-membership]', async () => {
  const time = new HandTime();
  await using world = await JourneyWorld.open({ time, stores: 'memory' });
  const { clock, timers } = time;
  const alice = await world.person();
  const bob = await world.person();
  const carol = await world.person({ platform: { clock, timers } });
  const dave = await world.person();
  const group = await groupOf(world, alice, bob, carol, dave);
  await carol.stop();
  await group.remove([idOf(dave)]);
  await group.setTitle('Without Dave');
  await group.remove([idOf(bob)]);
  await group.setTitle('The two of us');
  await alice.client.flush();
  for (const person of [alice, bob, dave]) await person.stop();

  // Her welcome to the new keys is gone with the rest of her mail.
  time.advance(31 * day);
  await alice.open();
  await alice.live();
  await carol.open();
  await world.watch.until(() => carol.events.some(({ type }) => type === 'group.waiting'));
  const atCarol = await chatOf(carol, group);
  expect(await atCarol.info()).toMatchObject({ title: 'Rowers', revision: 2, waiting: true });
  time.advance(6_000);
  const seen = await sees(world, carol, group, hasTitle('The two of us'));
  expect(seen).toMatchObject({ revision: 5, waiting: false });
  expect(hasMembers(2)(seen)).toBe(true);
  await atCarol.leave();
  await sees(world, alice, group, hasMembers(1));
});

it('somebody who was added while they were away, and whose welcome is lost, is welcomed again', async () => {
  const time = new HandTime();
  await using world = await JourneyWorld.open({ time, stores: 'memory' });
  const alice = await world.person();
  const bob = await world.person();
  const carol = await world.person();
  const group = await groupOf(world, alice, bob);
  await alice.chat(carol);
  await carol.chat(alice);
  const added = idOf(carol);
  await carol.stop();
  await group.add([added]);
  await group.setTitle('Without her yet');
  await alice.client.flush();
  await bob.stop();
  time.advance(31 * day);
  await carol.open();
  await sees(world, carol, group, hasTitle('Without her yet'));
  const summaries = (await carol.client.chats.list()).chats;
  expect(summaries.find(({ chat }) => chat.id === group.id)).toMatchObject({
    title: 'Without her yet',
    accepted: true,
    chat: { type: 'group' },
  });
});
