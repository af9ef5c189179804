import { describe, expect, it } from 'vitest';
import { type GroupPeer, groupOfPeers, groupPeers } from '../../test/group-peer.ts';
import { unreachable } from '../../test/group-service.ts';
import { chatWith } from '../chats/chat-state.ts';

const title = (text: string) => ({ type: 'set-title', title: text }) as const;

/** Lets all that can go on go on. */
async function turns(): Promise<void> {
  for (let count = 0; count < 100; count++) await new Promise((resolve) => setImmediate(resolve));
}

describe('groups when the client connects', () => {
  it('are followed when mail speaks of them, though more of it waits', async () => {
    const { owner, others, groupId } = await groupOfPeers(2);
    const [bob] = others as [GroupPeer];
    await owner.change(groupId, title('Divers'));
    bob.work.wake(groupId);
    await turns();
    expect(await bob.group(groupId)).toMatchObject({ revision: 1 });
    bob.work.stateChanged('catching-up');
    bob.work.wake(groupId);
    await turns();
    expect(await bob.group(groupId)).toMatchObject({ title: 'Divers', revision: 2 });
    await bob.stop();
  });

  it('are brought to where their logs are, and those in order are left alone', async () => {
    const { relay, owner, others, groupId } = await groupOfPeers(2);
    const [bob] = others as [GroupPeer];
    const second = await owner.create(bob);
    await owner.handTo(bob);
    await owner.change(groupId, title('Divers'));
    relay.asked.length = 0;
    bob.work.start();
    await turns();
    expect(await bob.group(groupId)).toMatchObject({ title: 'Divers', revision: 2 });
    expect(await bob.group(second)).toMatchObject({ revision: 1 });
    // One log: as it was, as it is, and at the end of the comparison of the table.
    expect(relay.asked.filter((name) => name === 'GET records')).toHaveLength(3);
    await bob.stop();
  });

  it('are looked at again after a while when the relay was away', async () => {
    const { relay, owner, others, groupId } = await groupOfPeers(2);
    const [bob] = others as [GroupPeer];
    await owner.change(groupId, title('Divers'));
    relay.before = (name) => {
      if (name === 'GET records') throw unreachable();
    };
    bob.work.start();
    await turns();
    expect(await bob.group(groupId)).toMatchObject({ revision: 1 });
    relay.before = () => undefined;
    bob.timers.runAll();
    await turns();
    expect(await bob.group(groupId)).toMatchObject({ title: 'Divers' });
    expect(bob.failures).toEqual([]);
    await bob.stop();
  });

  it('that nobody here knows of are asked for of contacts; members welcome who is one of them', async () => {
    const { relay, owner, others, groupId, wireId } = await groupOfPeers(2);
    const [dave, eve] = (await groupPeers(2, relay)) as [GroupPeer, GroupPeer];
    await owner.change(groupId, { type: 'add-members', members: [dave.candidate()] });
    relay.of(wireId).members.add(eve.userId);
    for (const lost of [dave, eve]) {
      await lost.befriend(owner);
      lost.work.start();
      await turns();
      expect(await lost.waitingFor(owner)).toEqual(['groupKeyRequest']);
      await lost.handTo(owner);
    }
    // One welcome was on its way; another one is for the asking.
    expect(await owner.waitingFor(dave)).toEqual(['groupWelcome', 'groupWelcome']);
    expect(await owner.waitingFor(eve)).toEqual([]);
    await owner.handTo(dave);
    expect(await dave.group(groupId)).toMatchObject({ revision: 2, standing: 'member' });
    expect(others).toHaveLength(1);
    await dave.stop();
    await eve.stop();
  });

  it.each(['GET groups', 'GET members'])(
    'that nobody here knows of are looked for again when the relay did not answer %s',
    async (call) => {
      const { relay, owner, groupId } = await groupOfPeers(2);
      const [dave] = (await groupPeers(1, relay)) as [GroupPeer];
      await owner.change(groupId, { type: 'add-members', members: [dave.candidate()] });
      await dave.befriend(owner);
      relay.before = (name) => {
        if (name === call) throw unreachable();
      };
      dave.work.start();
      await turns();
      dave.timers.runAll();
      await turns();
      expect(await dave.waitingFor(owner)).toEqual([]);
      relay.before = () => undefined;
      dave.timers.runAll();
      await turns();
      expect(await dave.waitingFor(owner)).toEqual(['groupKeyRequest']);
      expect(dave.timers.delays).toEqual([]);
      // Without a connection nothing is tried.
      relay.before = () => {
        throw unreachable();
      };
      dave.work.start();
      await turns();
      expect(dave.timers.delays).toHaveLength(1);
      dave.work.pause();
      expect(dave.timers.delays).toEqual([]);
      await dave.stop();
    },
  );
});

describe('a removal that is read after the welcome back', () => {
  it('has the welcome asked for again, when the relay counts who was let in anew', async () => {
    const { owner, others, groupId } = await groupOfPeers(2);
    const [bob] = others as [GroupPeer];
    bob.work.start();
    await turns();
    await owner.change(groupId, { type: 'remove-members', userIds: [bob.userId] });
    const { store, executor } = owner.device;
    // The word of the removal is lost.
    for (const { id } of await store.outbox(chatWith(bob.userId), 0, 10)) {
      await executor.run([], (overlay) => overlay.delete('outbox', { id }));
    }
    await owner.change(groupId, { type: 'add-members', members: [bob.candidate()] });
    await owner.handTo(bob);
    expect(await bob.group(groupId)).toMatchObject({ standing: 'removed', revision: 2, knownRevision: 3 });
    bob.work.wake(groupId);
    await turns();
    expect(await bob.waitingFor(owner)).toEqual(['groupKeyRequest']);
    await bob.handTo(owner);
    await owner.handTo(bob);
    expect(await bob.group(groupId)).toMatchObject({ standing: 'member', revision: 3 });
    await bob.stop();
  });

  it('of who is out for good asks nobody', async () => {
    const { owner, others, groupId } = await groupOfPeers(2);
    const [bob] = others as [GroupPeer];
    await owner.change(groupId, { type: 'remove-members', userIds: [bob.userId] });
    await bob.follow(groupId);
    const group = await bob.group(groupId);
    await bob.device.executor.run([], (overlay) => overlay.put('group', { ...group, knownRevision: 9 }));
    bob.work.start();
    await turns();
    expect(await bob.waitingFor(owner)).toEqual([]);
    await bob.stop();
  });
});

describe('a log that is said to be longer than the relay shows', () => {
  it('is asked for again a few times, then taken for what it is until somebody speaks of it again', async () => {
    const { relay, others, groupId } = await groupOfPeers(2);
    const [bob] = others as [GroupPeer];
    const group = await bob.group(groupId);
    await bob.device.executor.run([], (overlay) => overlay.put('group', { ...group, knownRevision: 9 }));
    relay.asked.length = 0;
    bob.work.start();
    await turns();
    for (let tries = 0; tries < 10; tries++) {
      bob.timers.runAll();
      await turns();
    }
    expect(relay.asked.filter((name) => name === 'GET records')).toHaveLength(7);
    expect(await bob.group(groupId)).toMatchObject({ revision: 1, knownRevision: 1, fork: undefined });
    expect(bob.logged).toContain('group.log-withheld');
    await bob.stop();
  });
});
