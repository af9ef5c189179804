import { randomBytes } from 'node:crypto';
import type { GroupChat, GroupInfo } from '@sotto/sdk';
import type { Fetch } from '@sotto/sdk/ports';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chatOf, hasMembers, hasTitle, idOf, news, sees as seesIn } from './group-watch.ts';
import { JourneyWorld } from './journey-world.ts';
import { anotherDevice } from './linked-person.ts';
import { failureOf, type Person, type PersonOptions } from './person.ts';
import { TamperedGroups } from './tampered-groups.ts';

let world: JourneyWorld;

beforeAll(async () => {
  world = await JourneyWorld.open({ stores: 'memory' });
});

afterAll(() => world[Symbol.asyncDispose]());

const people = (count: number, options: Partial<PersonOptions> = {}) =>
  Promise.all(Array.from({ length: count }, () => world.person(options))) as Promise<Person[]>;

const sees = (person: Person, group: GroupChat, expected: (info: GroupInfo) => boolean) =>
  seesIn(world, person, group, expected);

const picture = (bytes = 3_000) => new Uint8Array(randomBytes(bytes));

/** How many avatars of groups the relay keeps. */
const stored = () => world.groupAvatars();

/** Whether somebody sees this very avatar. */
async function seesAvatar(person: Person, group: GroupChat, bytes: Uint8Array | undefined): Promise<void> {
  const before = (await (await chatOf(person, group)).info()).avatar;
  const { avatar } = await sees(person, group, ({ avatar: now }) => (now === undefined) === (bytes === undefined));
  const shown = await (await chatOf(person, group)).fetchAvatar();
  expect(shown).toEqual(bytes);
  expect([avatar?.length, before?.length].filter((length) => length !== undefined && length !== 32)).toEqual([]);
}

describe('the avatar of a group', () => {
  it('is there from the first record on, for whoever comes later, and behind a link', async () => {
    const [alice, bob, carol, dave] = (await people(4)) as [Person, Person, Person, Person];
    const avatar = picture(1024 * 1024);
    const group = await alice.client.groups.create({ title: 'Rowers', avatar, members: [idOf(bob)] });
    await sees(bob, group, hasMembers(2));
    await seesAvatar(bob, group, avatar);
    await group.add([idOf(carol)]);
    await sees(carol, group, hasMembers(3));
    await seesAvatar(carol, group, avatar);
    const link = await group.openInvite();
    const preview = await dave.client.groups.preview(link);
    expect(preview).toMatchObject({ title: 'Rowers', members: 3, avatar: (await group.info()).avatar });
    expect(await dave.client.groups.previewAvatar(link)).toEqual(avatar);
    const joined = await dave.client.groups.join(link);
    expect(joined).not.toBe('requested');
    await seesAvatar(dave, group, avatar);
    await group.closeInvite();
    expect(await failureOf(dave.client.groups.previewAvatar(link))).toMatchObject({ code: 'invite-invalid' });
  });

  it('is set and changed by admins, taken away, seen by who was away, and by another device of one of them', async () => {
    const [alice, bob, carol] = (await people(3)) as [Person, Person, Person];
    const group = await alice.client.groups.create({ title: 'Rowers', members: [idOf(bob), idOf(carol)] });
    for (const person of [bob, carol]) await sees(person, group, hasMembers(3));
    await seesAvatar(carol, group, undefined);
    const atBob = await chatOf(bob, group);
    expect(await failureOf(atBob.setAvatar(picture()))).toMatchObject({ code: 'group-not-allowed' });
    await group.setRole(idOf(bob), 'admin');
    await sees(bob, group, ({ role }) => role === 'admin');
    const tablet = await anotherDevice(world, bob, 'Tablet');
    await carol.stop();
    const [first, second] = [picture(), picture()];
    await group.setAvatar(first);
    const { avatar: hash } = await group.info();
    await sees(bob, group, ({ avatar }) => avatar !== undefined && Buffer.compare(avatar, hash ?? avatar) === 0);
    expect(await atBob.fetchAvatar()).toEqual(first);
    await atBob.setAvatar(second);
    const isSecond = ({ avatar }: GroupInfo) => avatar !== undefined && Buffer.compare(avatar, hash ?? avatar) !== 0;
    await sees(alice, group, isSecond);
    await seesAvatar(alice, group, second);
    await sees(tablet, group, isSecond);
    await seesAvatar(tablet, group, second);
    await carol.open();
    await carol.live();
    await sees(carol, group, ({ avatar }) => avatar !== undefined);
    await seesAvatar(carol, group, second);
    expect(news(carol, group).filter(({ type }) => type === 'avatar').length).toBe(2);
    await group.setAvatar(undefined);
    await seesAvatar(carol, group, undefined);
  });

  it('is not given to whoever was removed; later ones are in states that they can not open  [security: removed-member]', async () => {
    const [alice, bob] = (await people(2)) as [Person, Person];
    const group = await alice.client.groups.create({ title: 'Rowers', avatar: picture(), members: [idOf(bob)] });
    await sees(bob, group, hasMembers(2));
    const known = (await (await chatOf(bob, group)).info()).avatar;
    await group.remove([idOf(bob)]);
    await sees(bob, group, ({ standing }) => standing === 'removed');
    const later = picture();
    await group.setAvatar(later);
    const atBob = await chatOf(bob, group);
    expect(await failureOf(atBob.fetchAvatar())).toMatchObject({ code: 'group-not-member' });
    expect((await atBob.info()).avatar).toEqual(known);
    await seesAvatar(alice, group, later);
  });

  it('outlives the relay, and a client that was stopped before it heard that the change was taken', async () => {
    const tampered = new TamperedGroups();
    const alice = await world.person({ platform: { fetch: tampered.fetch } });
    const bob = await world.person();
    const group = await alice.client.groups.create({ title: 'Rowers', members: [idOf(bob)] });
    await sees(bob, group, hasMembers(2));
    const lost = Promise.withResolvers<void>();
    tampered.losesAnswers = true;
    tampered.onLost = () => lost.resolve();
    const before = await stored();
    const [avatar, next] = [picture(), picture()];
    const setting = group.setAvatar(avatar).catch((error: unknown) => error);
    await lost.promise;
    await alice.stop();
    await setting;
    await world.stop();
    await world.start();
    tampered.losesAnswers = false;
    await alice.open();
    await alice.live();
    await bob.live();
    await sees(bob, group, ({ avatar: seen }) => seen !== undefined);
    await seesAvatar(bob, group, avatar);
    // It was uploaded once.
    expect(await stored()).toBe(before + 1);
    const again = await chatOf(alice, group);
    await again.setAvatar(next);
    expect(await again.fetchAvatar()).toEqual(next);
    expect(tampered.appends.every((append) => (append as { avatar?: unknown }).avatar !== undefined)).toBe(true);
  });

  it('whose upload was cut off leaves the group as it is, and is set by the next try', async () => {
    let isCut = false;
    const cutting: Fetch = async (url, request) => {
      const answer = await (fetch as unknown as Fetch)(url, request);
      if (isCut && request.method === 'PUT' && url.includes('/avatars/')) throw new TypeError('the line is dead');
      return answer;
    };
    const alice = await world.person({ platform: { fetch: cutting } });
    const bob = await world.person();
    const group = await alice.client.groups.create({ title: 'Rowers', members: [idOf(bob)] });
    await sees(bob, group, hasMembers(2));
    isCut = true;
    const before = await stored();
    const failure = await failureOf(group.setAvatar(picture()));
    expect(failure).toMatchObject({ code: 'relay-unreachable', retryable: true });
    // The relay has it, and will sweep it; nobody knows of it.
    expect(await stored()).toBe(before + 1);
    expect(await group.info()).toMatchObject({ avatar: undefined, revision: 1 });
    isCut = false;
    const avatar = picture();
    await group.setAvatar(avatar);
    await sees(bob, group, ({ avatar: seen }) => seen !== undefined);
    await seesAvatar(bob, group, avatar);
  });

  it('that two admins set at once is that of one of them, for all', async () => {
    const [alice, bob] = (await people(2)) as [Person, Person];
    const group = await alice.client.groups.create({ title: 'Rowers', edit: 'members', members: [idOf(bob)] });
    await sees(bob, group, hasMembers(2));
    const atBob = await chatOf(bob, group);
    const both = [picture(), picture()] as const;
    await Promise.all([group.setAvatar(both[0]), atBob.setAvatar(both[1])]);
    await group.setTitle('Divers');
    const [one, two] = await Promise.all([alice, bob].map((person) => sees(person, group, hasTitle('Divers'))));
    expect(one?.avatar).toEqual(two?.avatar);
    const [shown, shownToo] = await Promise.all([group.fetchAvatar(), atBob.fetchAvatar()]);
    expect(shown).toEqual(shownToo);
    expect(both).toContainEqual(shown);
  });

  it('is refused before anything leaves when it is none, or too large', async () => {
    const [alice, bob] = (await people(2)) as [Person, Person];
    const members = [idOf(bob)];
    const large = new Uint8Array(1024 * 1024 + 1);
    const before = await stored();
    for (const [avatar, code] of [
      [large, 'avatar-too-large'],
      [new Uint8Array(), 'argument-invalid'],
      ['a.png' as never, 'argument-invalid'],
    ] as const) {
      expect(await failureOf(alice.client.groups.create({ title: 'x', avatar, members }))).toMatchObject({ code });
      const group = await alice.client.groups.create({ title: 'x', members });
      expect(await failureOf(group.setAvatar(avatar))).toMatchObject({ code });
    }
    expect(await stored()).toBe(before);
  });
});
