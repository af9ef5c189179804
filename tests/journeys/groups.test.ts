import type { GroupChat, GroupInfo, Message } from '@sotto/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chatOf, groupOf as groupIn, hasMembers, hasTitle, idOf, news, roleOf, sees as seesIn } from './group-watch.ts';
import { exchange, JourneyWorld } from './journey-world.ts';
import { failureOf, type Person, type PersonOptions } from './person.ts';
import { replacing, TamperedGroups, upTo } from './tampered-groups.ts';

let world: JourneyWorld;

beforeAll(async () => {
  world = await JourneyWorld.open({ stores: 'memory' });
});

afterAll(() => world[Symbol.asyncDispose]());

const people = (count: number, options: Partial<PersonOptions> = {}) =>
  Promise.all(Array.from({ length: count }, () => world.person(options))) as Promise<Person[]>;

const sees = (person: Person, group: GroupChat, expected: (info: GroupInfo) => boolean) =>
  seesIn(world, person, group, expected);
const groupOf = (owner: Person, ...others: readonly Person[]) => groupIn(world, owner, ...others);

describe('a group of three', () => {
  it('is made, grows, gets roles and another title, shrinks: everybody sees the same, and by whom', async () => {
    const [alice, bob, carol] = (await people(3)) as [Person, Person, Person];
    const group = await groupOf(alice, bob);
    await group.add([idOf(carol)]);
    await sees(carol, group, hasMembers(3));
    await sees(bob, group, hasMembers(3));
    await group.setRole(idOf(bob), 'admin');
    await sees(bob, group, ({ role }) => role === 'admin');
    const atBob = await chatOf(bob, group);
    await atBob.setTitle('Divers');
    const [one, two, three] = await Promise.all(
      [alice, bob, carol].map((each) => sees(each, group, hasTitle('Divers'))),
    );
    expect(two?.members).toEqual(one?.members.map((member) => ({ ...member, username: expect.any(String) })));
    expect(three?.revision).toBe(one?.revision);
    expect([roleOf(one, alice), roleOf(one, bob), roleOf(one, carol)]).toEqual(['owner', 'admin', 'member']);
    expect(news(carol, group)).toEqual([
      { type: 'added', userIds: [idOf(carol)] },
      { type: 'role', userId: idOf(bob), role: 'admin' },
      { type: 'title', title: 'Divers' },
    ]);
    await atBob.remove([idOf(carol)]);
    await sees(carol, group, ({ standing }) => standing === 'removed');
    await sees(alice, group, hasMembers(2));
    await group.leave();
    const left = await sees(bob, group, hasMembers(1));
    expect(roleOf(left, bob)).toBe('owner');
    expect((await group.info()).standing).toBe('left');
    expect(await failureOf(group.setTitle('Rowers'))).toMatchObject({ code: 'group-not-member' });
    expect(await failureOf(group.add([idOf(bob)]))).toMatchObject({ code: 'group-not-member' });
  });

  it('tells who was removed so, when they change it, though they can not read that they were', async () => {
    const [alice, bob, carol, dave] = (await people(4)) as [Person, Person, Person, Person];
    const group = await groupOf(alice, bob, carol, dave);
    // The second removal stands under a key that none of both gets.
    for (const person of [carol, dave]) await group.remove([idOf(person)]);
    const atDave = await chatOf(dave, group);
    const notMember = { code: 'group-not-member' };
    expect(await failureOf(atDave.leave())).toMatchObject(notMember);
    expect(await failureOf(atDave.setTitle('Mine'))).toMatchObject(notMember);
    expect(await failureOf(atDave.setAvatar(new Uint8Array([1])))).toMatchObject(notMember);
  });

  it('shows the names of members who have not written: whoever added them has their profile keys', async () => {
    const [alice, bob, carol] = (await people(3)) as [Person, Person, Person];
    await carol.client.profile.set({ username: 'Carol' });
    for (const other of [bob, carol]) await exchange(alice, other);
    const group = await groupOf(alice, bob, carol);
    const isNamed = ({ members }: GroupInfo) =>
      members.some(({ userId, username }) => userId === idOf(carol) && username === 'Carol');
    await sees(bob, group, isNamed);
    expect(bob.incoming().filter(({ senderId }) => senderId === idOf(carol))).toEqual([]);
    expect(bob.events).toContainEqual(expect.objectContaining({ type: 'profile.changed', userId: idOf(carol) }));
    const shown = { userId: idOf(carol), username: 'Carol', self: false, blocked: false };
    const { groupId } = group;
    expect(await bob.client.people.get(idOf(carol))).toMatchObject({ ...shown, number: '', groups: [groupId] });
    await group.remove([idOf(carol)]);
    await sees(bob, group, hasMembers(2));
    expect(await bob.client.people.get(idOf(carol))).toMatchObject({ ...shown, number: '', groups: [] });
    const number = carol.phone;
    expect(await alice.client.people.get(idOf(carol))).toMatchObject({ ...shown, number, contact: true, groups: [] });
    expect(await bob.client.people.get(idOf(bob))).toMatchObject({ self: true, number: bob.phone });
  });

  it('refuses what a role does not allow, and makes no sense', async () => {
    const [alice, bob, carol] = (await people(3)) as [Person, Person, Person];
    const group = await groupOf(alice, bob, carol);
    const atBob = await chatOf(bob, group);
    expect(await failureOf(atBob.setTitle('Mine'))).toMatchObject({ code: 'group-not-allowed' });
    expect(await failureOf(atBob.remove([idOf(carol)]))).toMatchObject({ code: 'group-not-allowed' });
    expect(await failureOf(group.setTitle(''))).toMatchObject({ code: 'title-invalid' });
    expect(await failureOf(group.remove([idOf(alice)]))).toMatchObject({ code: 'argument-invalid' });
    expect(await failureOf(alice.client.groups.join('https://example.org'))).toMatchObject({ code: 'invite-invalid' });
    await group.setTitle('Rowers');
    expect((await group.info()).revision).toBe(1);
    await group.setSettings({ edit: 'members' });
    await sees(bob, group, ({ settings }) => settings.edit === 'members');
    await atBob.setTitle('Ours');
    await sees(alice, group, hasTitle('Ours'));
    await group.transferOwnership(idOf(carol));
    const given = await sees(carol, group, ({ role }) => role === 'owner');
    expect(roleOf(given, alice)).toBe('admin');
  });
});

describe('a group into which a stranger brings somebody', () => {
  it('is not accepted before they do so; a contact’s is', async () => {
    const [alice, bob, carol] = (await people(3)) as [Person, Person, Person];
    await carol.chat(alice);
    const group = await groupOf(alice, bob, carol);
    const [atBob, atCarol] = await Promise.all([bob, carol].map((each) => chatOf(each, group)));
    const summaryOf = (person: Person) => person.client.chats.summary(group.id);
    expect(await summaryOf(bob)).toMatchObject({ title: 'Rowers', accepted: false, chat: { type: 'group' } });
    expect(await summaryOf(carol)).toMatchObject({ title: 'Rowers', accepted: true });
    const aboard = await group.send('all aboard');
    for (const person of [bob, carol]) expect(await person.received('all aboard')).toMatchObject({ chatId: group.id });
    const again = await group.send('are you there?');
    await bob.received('are you there?');
    await atBob?.markRead(aboard);
    await atBob?.accept();
    expect(await summaryOf(bob)).toMatchObject({ accepted: true, unread: 1 });
    const isTold = (type: string, { id }: Message) =>
      alice.events.some(
        (event) =>
          event.type === type &&
          'message' in event &&
          event.message.id === id &&
          'userId' in event &&
          event.userId === idOf(bob),
      );
    await world.watch.until(() => isTold('message.read', aboard) && isTold('message.delivered', again));
    await atCarol?.send('aye');
    for (const person of [alice, bob]) await person.received('aye');
  });
});

describe('changes at once, and far away', () => {
  it('of two admins: both are made, one after the other', async () => {
    const [alice, bob, carol] = (await people(3)) as [Person, Person, Person];
    const group = await groupOf(alice, bob, carol);
    await group.setRole(idOf(bob), 'admin');
    const atBob = await chatOf(bob, group);
    await sees(bob, group, ({ role }) => role === 'admin');
    await Promise.all([
      group.setTitle('By Alice'),
      atBob.remove([idOf(carol)]),
      atBob.setSettings({ add: 'members' }),
      group.openInvite(),
    ]);
    const [one, two] = await Promise.all([
      sees(alice, group, ({ revision }) => revision === 6),
      sees(bob, group, ({ revision }) => revision === 6),
    ]);
    expect(one).toEqual({ ...two, role: 'owner', invite: one?.invite, members: one?.members });
    expect(one).toMatchObject({ title: 'By Alice', settings: { add: 'members' } });
    expect(one?.members).toHaveLength(2);
    await sees(carol, group, ({ standing }) => standing === 'removed');
  });

  it('ten while a member is away, with new keys among them: they come back to the same group', async () => {
    const [alice, bob, carol, dave] = (await people(4)) as [Person, Person, Person, Person];
    const group = await groupOf(alice, bob, carol);
    await carol.stop();
    for (let round = 1; round <= 3; round++) {
      await group.add([idOf(dave)]);
      await group.setTitle(`Round ${round}`);
      await group.remove([idOf(dave)]);
    }
    await group.setTitle('At last');
    await sees(bob, group, hasTitle('At last'));
    await carol.open();
    const seen = await sees(carol, group, hasTitle('At last'));
    expect(seen.revision).toBe(11);
    expect(seen.members).toHaveLength(3);
    await sees(dave, group, ({ standing }) => standing === 'removed');
  });
});

describe('links', () => {
  it('let others in, tell what they lead to, and end', async () => {
    const [alice, bob, carol, dave] = (await people(4)) as [Person, Person, Person, Person];
    const group = await groupOf(alice, bob);
    const link = await group.openInvite();
    expect(await carol.client.groups.preview(link)).toEqual({ title: 'Rowers', members: 2, approval: false });
    const joined = await carol.client.groups.join(link);
    if (joined === 'requested') throw new Error('nobody has to approve');
    expect(hasMembers(3)(await joined.info())).toBe(true);
    for (const person of [alice, bob]) await sees(person, group, hasMembers(3));
    expect(news(bob, group)).toContainEqual({ type: 'joined', userId: idOf(carol) });
    await group.closeInvite();
    expect(await failureOf(dave.client.groups.join(link))).toMatchObject({ code: 'invite-invalid' });
    expect(await failureOf(dave.client.groups.preview(link))).toMatchObject({ code: 'invite-invalid' });
    expect(await dave.client.groups.list()).toEqual([]);
  });

  it('with approval: an admin lets one in and turns another away', async () => {
    const [alice, bob, carol, dave] = (await people(4)) as [Person, Person, Person, Person];
    const group = await groupOf(alice, bob);
    const link = await group.openInvite({ approval: true });
    expect(await carol.client.groups.join(link)).toBe('requested');
    expect(await dave.client.groups.join(link)).toBe('requested');
    expect(await dave.client.groups.join(link)).toBe('requested');
    const { requests } = await sees(alice, group, (info) => info.requests.length === 2);
    expect(requests.map(({ userId }) => userId).sort()).toEqual([idOf(carol), idOf(dave)].sort());
    const asked = alice.events.flatMap((event) => (event.type === 'group.requested' ? [event.userId] : []));
    expect(asked.sort()).toEqual([idOf(carol), idOf(dave)].sort());
    expect(bob.events.some(({ type }) => type === 'group.requested')).toBe(false);
    await group.approveRequest(idOf(carol));
    await group.declineRequest(idOf(dave));
    await sees(carol, group, hasMembers(3));
    const seen = await sees(bob, group, (info) => info.members.length === 3 && info.requests.length === 0);
    expect(seen.members.some(({ userId }) => userId === idOf(dave))).toBe(false);
    expect(await dave.client.groups.list()).toEqual([]);
  });

  it('end when somebody is removed: they do not come back by it', async () => {
    const [alice, bob, carol] = (await people(3)) as [Person, Person, Person];
    const group = await groupOf(alice, bob, carol);
    const link = await group.openInvite();
    await sees(carol, group, ({ invite }) => invite?.link === link);
    await group.remove([idOf(carol)]);
    await sees(carol, group, ({ standing }) => standing === 'removed');
    expect(await failureOf(carol.client.groups.join(link))).toMatchObject({ code: 'invite-invalid' });
    expect((await group.info()).invite).toBeUndefined();
  });
});

describe('a client that is stopped in the middle of a change', () => {
  it('finishes it when it is opened again: the relay had taken it, and nobody was told', async () => {
    const relay = new TamperedGroups();
    const [bob, carol] = (await people(2)) as [Person, Person];
    const alice = await world.person({ platform: { fetch: relay.fetch } });
    const group = await groupOf(alice, bob);
    relay.losesAnswers = true;
    relay.onLost = () => world.watch.changed();
    const adding = group.add([idOf(carol)]);
    adding.catch(() => undefined);
    await world.watch.until(() => relay.appends.length === 2);
    await alice.stop();
    expect(await failureOf(adding)).toMatchObject({ code: 'client-stopped' });
    relay.losesAnswers = false;
    await alice.open();
    await sees(alice, group, hasMembers(3));
    await sees(carol, group, hasMembers(3));
    await sees(bob, group, hasMembers(3));
    expect(new Set(relay.appends.slice(1).map((sent) => JSON.stringify(sent))).size).toBe(1);
    expect(await alice.observed.store().groupIntents()).toEqual([]);
  });

  it('makes it again when others were faster meanwhile', async () => {
    const relay = new TamperedGroups();
    const [bob, carol] = (await people(2)) as [Person, Person];
    const alice = await world.person({ platform: { fetch: relay.fetch } });
    const group = await groupOf(alice, bob);
    await group.setRole(idOf(bob), 'admin');
    await sees(bob, group, ({ role }) => role === 'admin');
    const atBob = await chatOf(bob, group);
    relay.beforeAppend = async () => {
      relay.beforeAppend = async () => undefined;
      await atBob.setTitle('Faster');
    };
    await group.add([idOf(carol)]);
    for (const person of [alice, bob, carol]) {
      await sees(person, group, (info) => hasTitle('Faster')(info) && hasMembers(3)(info));
    }
  });
});

describe('a relay that lies about a group  [security: group-membership]', () => {
  it('takes the end of the log back: nothing is sent any more, and the user is told', async () => {
    const relay = new TamperedGroups();
    const alice = await world.person();
    const bob = await world.person({ platform: { fetch: relay.fetch } });
    const group = await groupOf(alice, bob);
    await group.setTitle('Divers');
    await sees(bob, group, hasTitle('Divers'));
    relay.tamper = upTo(1);
    await group.setTitle('Swimmers');
    await world.watch.until(() => bob.events.some(({ type }) => type === 'group.forked'));
    const atBob = await chatOf(bob, group);
    expect(await atBob.info()).toMatchObject({ title: 'Divers', forked: true });
    expect(await failureOf(atBob.send('still here?'))).toMatchObject({ code: 'group-forked' });
    expect(await failureOf(atBob.leave())).toMatchObject({ code: 'group-forked' });
  });

  it('puts another record in the place of a known one', async () => {
    const relay = new TamperedGroups();
    const alice = await world.person();
    const bob = await world.person({ platform: { fetch: relay.fetch } });
    const group = await groupOf(alice, bob);
    await group.setTitle('Divers');
    await sees(bob, group, hasTitle('Divers'));
    relay.tamper = replacing(2, Buffer.from('another record').toString('base64url'));
    await group.setTitle('Swimmers');
    await world.watch.until(() => bob.events.some(({ type }) => type === 'group.forked'));
    expect(await (await chatOf(bob, group)).info()).toMatchObject({ title: 'Divers', revision: 2, forked: true });
  });

  it('hands out a new record that no member made: it changes nothing, and the next one that does is taken for a fork by whoever saw it', async () => {
    const relay = new TamperedGroups();
    const [alice, carol] = (await people(2)) as [Person, Person];
    const bob = await world.person({ platform: { fetch: relay.fetch } });
    const group = await groupOf(alice, bob, carol);
    relay.tamper = replacing(2, Buffer.from('made up').toString('base64url'));
    await group.setTitle('Divers');
    await sees(carol, group, hasTitle('Divers'));
    await world.watch.until(() => bob.events.some(({ type }) => type === 'group.forked'));
    expect(bob.events.find(({ type }) => type === 'group.forked')).toMatchObject({ by: idOf(alice) });
    const atBob = await chatOf(bob, group);
    const fork = { by: idOf(alice), accepted: false };
    expect(await atBob.info()).toMatchObject({ title: 'Rowers', forked: true, fork });
    expect(await failureOf(atBob.send('is anybody there?'))).toMatchObject({ code: 'group-forked' });
    // By a word alone nobody is kept in a group, nor from going on with it.
    await atBob.acceptFork();
    expect(await atBob.info()).toMatchObject({ forked: false, fork: undefined });
    const sent = await atBob.send('I go on');
    await world.watch.until(() => bob.events.some((one) => one.type === 'message.sent' && one.message.id === sent.id));
    await atBob.leave();
    expect(await atBob.info()).toMatchObject({ standing: 'left' });
  });

  it('holds the end of the log back: nothing changes, and what it holds back is taken once it comes', async () => {
    const relay = new TamperedGroups();
    const alice = await world.person();
    const bob = await world.person({ platform: { fetch: relay.fetch } });
    const group = await groupOf(alice, bob);
    let asked = 0;
    relay.tamper = (page) => {
      asked += 1;
      world.watch.changed();
      return upTo(1)(page);
    };
    await group.setTitle('Divers');
    await world.watch.until(() => asked > 0);
    const atBob = await chatOf(bob, group);
    expect(await atBob.info()).toMatchObject({ title: 'Rowers', forked: false });
    relay.tamper = (page) => page;
    bob.client.reconnect();
    await sees(bob, group, hasTitle('Divers'));
  });
});
