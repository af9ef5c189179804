import { expect, it } from 'vitest';
import { type GroupPeer, groupOfPeers, groupPeers } from '../../test/group-peer.ts';
import { chatWith } from '../chats/chat-state.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Sees anew which groups the relay counts somebody to. */
async function connectAgain({ work }: GroupPeer): Promise<void> {
  work.pause();
  work.start();
  for (let turns = 0; turns < 50; turns++) await turn();
}

it('asks for a welcome that was lost, once an hour, also when the clock was set back since', async () => {
  const { relay, owner, groupId } = await groupOfPeers(2);
  const [dave] = (await groupPeers(1, relay)) as [GroupPeer];
  await owner.change(groupId, { type: 'add-members', members: [dave.candidate()] });
  const { executor, store } = owner.device;
  const lost = await store.outbox(chatWith(dave.userId), 0, 10);
  await executor.run([], (overlay) => {
    for (const { id } of lost) overlay.delete('outbox', { id });
  });
  await dave.befriend(owner);
  const asked = async () => (await dave.waitingFor(owner)).length;
  await connectAgain(dave);
  expect(await asked()).toBe(1);
  dave.device.clock.advance(3_599_999);
  await connectAgain(dave);
  expect(await asked()).toBe(1);
  dave.device.clock.advance(1);
  await connectAgain(dave);
  expect(await asked()).toBe(2);
  dave.device.clock.advance(-37 * 3_600_000);
  await connectAgain(dave);
  expect(await asked()).toBe(3);
  await dave.stop();
});

it('asks no stranger, who would learn by it when this user is there, and those whom it knows all the same  [security: group-membership]', async () => {
  const { relay, owner, groupId } = await groupOfPeers(2);
  const [dave, mallory, accomplice] = (await groupPeers(3, relay)) as [GroupPeer, GroupPeer, GroupPeer];
  await dave.befriend(owner);
  for (let count = 0; count < 40; count++) {
    const { wireId } = await mallory.group(await mallory.create(accomplice));
    relay.of(wireId).members.add(dave.userId);
  }
  const { wireId } = await owner.group(groupId);
  await connectAgain(dave);
  const looks = () => relay.asked.filter((name) => name === 'GET members').length;
  const before = looks();
  expect(await dave.waitingFor(mallory)).toEqual([]);
  expect(await dave.waitingFor(accomplice)).toEqual([]);
  // So many groups of strangers keep nobody from those that are none.
  relay.of(wireId).members.add(dave.userId);
  await connectAgain(dave);
  expect(await dave.waitingFor(owner)).toEqual(['groupKeyRequest']);
  expect(looks()).toBe(before + 1);
  await dave.stop();
});
