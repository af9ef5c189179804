import { describe, expect, it } from 'vitest';
import { type GroupPeer, groupOfPeers, groupPeers } from '../../test/group-peer.ts';
import { refused, unreachable } from '../../test/group-service.ts';
import { chatWith } from '../chats/chat-state.ts';
import { SottoError } from '../sotto-error.ts';

const title = (text: string) => ({ type: 'set-title', title: text }) as const;
const settings = { type: 'set-settings', settings: { add: 'members', edit: 'members' } } as const;

async function three() {
  const { others, ...rest } = await groupOfPeers(3);
  const [bob, carol] = others as [GroupPeer, GroupPeer];
  await rest.owner.change(rest.groupId, settings);
  for (const other of others) await other.follow(rest.groupId);
  return { ...rest, bob, carol };
}

const appends = ({ relay }: GroupPeer) => relay.asked.filter((name) => name === 'POST records').length;

/** What somebody waits for until the relay has it, and what ends such a wait. */
function deliveries(peer: GroupPeer) {
  const asked: (readonly number[])[] = [];
  let end: (error?: Error) => void = () => undefined;
  peer.delivering = (rows) =>
    new Promise((resolve, reject) => {
      asked.push(rows);
      end = (error) => (error === undefined ? resolve() : reject(error));
    });
  return [asked, (error?: Error) => end(error)] as const;
}

/** Resolves when somebody waits for a while, or for a connection. */
async function paused({ timers }: GroupPeer): Promise<void> {
  while (timers.delays.length === 0) await new Promise((resolve) => setImmediate(resolve));
}

describe('an own change', () => {
  it('keeps what all who come are told once, as long as one of them is still to be told', async () => {
    const [owner, ...others] = (await groupPeers(6)) as [GroupPeer, ...GroupPeer[]];
    const groupId = await owner.create(...others);
    const { store } = owner.device;
    const rows = (await Promise.all(others.map(({ userId }) => store.outbox(chatWith(userId), 0, 9)))).flat();
    const [partId, ...more] = new Set(rows.map((row) => row.partId));
    if (partId === undefined) throw new Error('they have nothing in common');
    expect([rows.length, more]).toEqual([5, []]);
    const part = await store.get('outboxPart', { id: partId });
    const { state } = await owner.group(groupId);
    expect(part?.content.length).toBeGreaterThan(state.length);
    for (const { content } of rows) expect(content.length).toBeLessThan(200);
    for (const other of others) {
      expect(await store.get('outboxPart', { id: partId })).toBeDefined();
      expect(await owner.waitingFor(other)).toEqual(['groupWelcome']);
      await owner.handTo(other);
      expect(await other.group(groupId)).toMatchObject({ title: 'Rowers', standing: 'member' });
    }
    expect(await store.get('outboxPart', { id: partId })).toBeUndefined();
  });

  it('is made on what others have made meanwhile; what is done already is asked for no more', async () => {
    const { owner, bob, groupId } = await three();
    await owner.change(groupId, title('By the owner'));
    await bob.change(groupId, title('By Bob'));
    expect(await bob.group(groupId)).toMatchObject({ title: 'By Bob', revision: 4 });
    const before = appends(bob);
    await bob.change(groupId, title('By Bob'));
    expect(appends(bob)).toBe(before);
  });

  it('is done by the log of the relay, and not by what is known here of it', async () => {
    const { owner, bob, groupId } = await three();
    await owner.change(groupId, title('By the owner'));
    await bob.change(groupId, title('By Bob'));
    await owner.change(groupId, title('By the owner'));
    expect(await owner.group(groupId)).toMatchObject({ title: 'By the owner', revision: 5 });
  });

  it('gives up when others are always faster', async () => {
    const { relay, owner, bob, groupId } = await three();
    let faster = 0;
    relay.before = async (name, who) => {
      if (name === 'POST records' && who === bob.userId) await owner.change(groupId, title(`Faster ${++faster}`));
    };
    await expect(bob.change(groupId, title('Slow'))).rejects.toMatchObject({ code: 'group-changed' });
    expect(faster).toBe(9);
    expect(await bob.device.store.groupIntents()).toEqual([]);
    relay.before = () => undefined;
    await bob.change(groupId, title('Slow'));
    expect(await bob.group(groupId)).toMatchObject({ title: 'Slow', revision: 12 });
  });

  it('ends when the right to it was taken meanwhile, or its target is gone', async () => {
    const { relay, owner, bob, carol, groupId } = await three();
    await owner.change(groupId, { type: 'set-role', userId: bob.userId, role: 'admin' });
    await bob.follow(groupId);
    relay.before = async (name, who) => {
      if (name !== 'POST records' || who !== bob.userId) return;
      relay.before = () => undefined;
      await owner.change(groupId, { type: 'set-role', userId: bob.userId, role: 'member' });
    };
    const removal = { type: 'remove-members', userIds: [carol.userId] } as const;
    await expect(bob.change(groupId, removal)).rejects.toMatchObject({ code: 'group-not-allowed' });
    expect(await bob.device.store.groupIntents()).toEqual([]);
    const [stranger] = await groupPeers(1, relay);
    const promotion = { type: 'set-role', userId: stranger?.userId ?? bob.userId, role: 'admin' } as const;
    await expect(owner.change(groupId, promotion)).rejects.toMatchObject({ code: 'group-changed' });
  });

  it('ends as one of who is no member when the relay tells them nothing any more', async () => {
    const { relay, owner, bob, groupId, wireId } = await three();
    relay.before = async (name, who) => {
      if (name !== 'POST records' || who !== bob.userId) return;
      relay.before = (read, reader) => {
        if (read === 'GET records' && reader === bob.userId) relay.of(wireId).members.delete(bob.userId);
      };
      await owner.change(groupId, title('Meanwhile'));
    };
    await expect(bob.change(groupId, title('Too late'))).rejects.toMatchObject({ code: 'group-not-member' });
    expect(await bob.device.store.groupIntents()).toEqual([]);
  });

  it('waits for the relay, and puts the very same record again', async () => {
    const { relay, bob, groupId, wireId } = await three();
    relay.after = (name) => {
      if (name !== 'POST records') return;
      relay.after = () => undefined;
      throw unreachable();
    };
    const changing = bob.change(groupId, title('Twice'));
    await paused(bob);
    bob.timers.runAll();
    await changing;
    expect(relay.of(wireId).records).toHaveLength(3);
    expect(await bob.group(groupId)).toMatchObject({ title: 'Twice', revision: 3 });
  });

  it('that the relay will not take is dropped, with a code of ours', async () => {
    const { relay, bob, groupId } = await three();
    relay.before = (name) => {
      if (name === 'POST records') throw refused('group-full');
    };
    await expect(bob.change(groupId, title('No'))).rejects.toMatchObject({ code: 'group-full' });
    expect(await bob.device.store.groupIntents()).toEqual([]);
  });

  it('under a new key goes to the relay only once that has the key for those who stay, whatever happens in between', async () => {
    const { owner, bob, carol, groupId } = await three();
    await owner.change(groupId, { type: 'remove-members', userIds: [carol.userId] });
    const before = appends(owner);
    const [asked, arrive] = deliveries(owner);
    const changing = owner.change(groupId, title('Without Carol'));
    while (asked.length < 1) await new Promise((resolve) => setImmediate(resolve));
    const rows = await owner.device.store.outbox(chatWith(bob.userId), 0, 9);
    expect(rows.map(({ id }) => id)).toEqual(asked[0]);
    expect(await owner.waitingFor(bob)).toEqual(['groupKeys']);
    // Nothing is at the relay yet: a device that is gone by now leaves no record behind that nobody can read.
    expect(appends(owner)).toBe(before);
    const ended = expect(changing).rejects.toThrow();
    arrive(new Error('stopped'));
    await ended;
    owner.restart();
    owner.work.start();
    while (asked.length < 2) await new Promise((resolve) => setImmediate(resolve));
    expect([asked[1], appends(owner)]).toEqual([asked[0], before]);
    arrive();
    while ((await owner.device.store.groupIntents()).length > 0) await new Promise((resolve) => setImmediate(resolve));
    expect([appends(owner), (await owner.group(groupId)).title]).toEqual([before + 1, 'Without Carol']);
  });

  it('of which nobody knows whether the relay has taken it is kept, and finished by the next start', async () => {
    const { relay, owner, bob, carol, groupId } = await three();
    relay.after = (name) => {
      if (name === 'POST records') throw new SottoError('client-stopped', 'the client was stopped');
    };
    const removal = { type: 'remove-members', userIds: [carol.userId] } as const;
    await expect(owner.change(groupId, removal)).rejects.toMatchObject({ code: 'client-stopped' });
    expect(await owner.device.store.groupIntents()).toHaveLength(1);
    await owner.stop();
    relay.after = () => undefined;
    owner.restart();
    owner.work.start();
    while ((await owner.device.store.groupIntents()).length > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await owner.group(groupId)).toMatchObject({ revision: 3 });
    expect(await owner.waitingFor(carol)).toEqual(['groupPoke']);
    expect(await owner.waitingFor(bob)).toEqual([]);
    await owner.change(groupId, title('Under a new key'));
    // The new key is on its way before the record that is under it.
    expect(await owner.waitingFor(bob)).toEqual(['groupKeys']);
    expect(await owner.waitingFor(carol)).toEqual(['groupPoke']);
    await owner.stop();
    expect(owner.failures).toEqual([]);
  });

  it.each(['at once', 'when the group has gone on'])(
    'that the relay refuses though it has taken it is made, and who came by it is welcomed: %s',
    async (when) => {
      const { relay, owner, bob, groupId, wireId } = await three();
      const [dave] = (await groupPeers(1, relay)) as [GroupPeer];
      relay.after = (name) => {
        if (name !== 'POST records') return;
        relay.after = () => undefined;
        throw refused('group-changed');
      };
      relay.before = async (name, who) => {
        if (name !== 'GET records' || who !== owner.userId || when === 'at once') return;
        relay.before = () => undefined;
        await bob.change(groupId, title('Meanwhile'));
      };
      await owner.change(groupId, { type: 'add-members', members: [dave.candidate()] });
      expect(relay.of(wireId).records).toHaveLength(when === 'at once' ? 3 : 4);
      expect(await owner.waitingFor(dave)).toEqual(['groupWelcome']);
      expect(await owner.device.store.groupIntents()).toEqual([]);
      await owner.handTo(dave);
      expect(await dave.group(groupId)).toMatchObject({ standing: 'member' });
    },
  );

  it('is not begun when its caller has given up before', async () => {
    const { bob, groupId } = await three();
    const before = appends(bob);
    const signal = AbortSignal.abort(new Error('never mind'));
    const wish = { operations: [title('No')], inviteKey: undefined };
    await expect(bob.work.changes.change(groupId, wish, { signal })).rejects.toThrow('never mind');
    expect(appends(bob)).toBe(before);
  });

  it('of somebody whom the relay has put out, though the log has not: they let themselves in and go on', async () => {
    const { relay, bob, groupId, wireId } = await three();
    relay.of(wireId).members.delete(bob.userId);
    await bob.change(groupId, title('Still here'));
    expect(relay.of(wireId).members.has(bob.userId)).toBe(true);
    relay.of(wireId).members.delete(bob.userId);
    await expect(bob.change(groupId, title('Again'))).rejects.toMatchObject({ code: 'group-not-member' });
    // An hour later by a clock that was set back meanwhile.
    bob.device.clock.advance(-37 * 3_600_000);
    await bob.change(groupId, title('Again'));
  });
});
