import type { Chat, Client, GroupChat, UserId } from '@sotto/sdk';
import { cleanLine } from '../text/clean-text.ts';
import type { Command, CommandOutput, CommandScene } from './command.ts';
import { CommandError, titleAndNumbers } from './command-line.ts';

/** Groups: making, looking at, changing and leaving them. */
export const groupCommands: Readonly<Record<string, Command>> = {
  group: {
    usage: ':group TITLE +NUMBER ...',
    says: 'makes a group with these people',
    async run({ client }, words) {
      const { title, numbers } = titleAndNumbers(words);
      const members = await Promise.all(numbers.map((number) => client.chats.with(number)));
      const open = await client.groups.create({ title, members });
      return { title, lines: [`${title} is made, with ${countOf(members.length + 1)}.`], open };
    },
  },
  groups: {
    usage: ':groups',
    says: 'the groups that you are in',
    async run({ client }) {
      const infos = await Promise.all((await client.groups.list()).map((group) => group.info()));
      const lines = infos.map((info) => `${cleanLine(info.title)}: ${standingOf(info)}`);
      return { title: 'Groups', lines: lines.length === 0 ? ['None yet: :group makes one.'] : lines };
    },
  },
  open: {
    usage: ':open TITLE or +NUMBER',
    says: 'opens a chat',
    async run({ client }, words) {
      const open = await chatCalled(client, words.join(' '));
      const title = open.type === 'group' ? cleanLine((await open.info()).title) : words.join(' ');
      return { title, lines: [`${title} is open.`], open };
    },
  },
  info: {
    usage: ':info',
    says: 'who is in this group, and as what',
    run: async (scene) => infoOf(groupOf(scene)),
  },
  add: {
    usage: ':add +NUMBER ...',
    says: 'adds people to this group',
    async run(scene, words) {
      const group = groupOf(scene);
      await group.add(await Promise.all(some(words).map((number) => scene.client.chats.with(number))));
      return infoOf(group);
    },
  },
  remove: {
    usage: ':remove NAME or +NUMBER',
    says: 'puts somebody out of this group',
    async run(scene, words) {
      const group = groupOf(scene);
      await group.remove([await memberCalled(scene.client, group, words.join(' '))]);
      return infoOf(group);
    },
  },
  admin: {
    usage: ':admin NAME or +NUMBER',
    says: 'makes a member an admin',
    run: (scene, words) => withRole(scene, words, 'admin'),
  },
  member: {
    usage: ':member NAME or +NUMBER',
    says: 'makes an admin a member',
    run: (scene, words) => withRole(scene, words, 'member'),
  },
  title: {
    usage: ':title TITLE',
    says: 'calls this group otherwise',
    async run(scene, words) {
      const group = groupOf(scene);
      await group.setTitle(words.join(' '));
      return infoOf(group);
    },
  },
  invite: {
    usage: ':invite',
    says: 'a link by which others come into this group',
    async run(scene) {
      const link = await groupOf(scene).openInvite();
      return { title: 'Link', lines: ['Whoever has this link comes in. :close ends it.', link], qr: link };
    },
  },
  close: {
    usage: ':close',
    says: 'ends that link',
    async run(scene) {
      await groupOf(scene).closeInvite();
      return { title: 'Link', lines: ['The link leads nowhere any more.'] };
    },
  },
  join: {
    usage: ':join LINK',
    says: 'comes into a group by a link',
    async run({ client }, [link = '']) {
      const { title } = await client.groups.preview(link);
      const joined = await client.groups.join(link);
      const name = cleanLine(title);
      if (joined === 'requested') return { title: name, lines: ['Asked: somebody in it has to let you in.'] };
      return { title: name, lines: [`You are in ${name}.`], open: joined };
    },
  },
  leave: {
    usage: ':leave',
    says: 'leaves this group',
    async run(scene) {
      const group = groupOf(scene);
      await group.leave();
      return { title: cleanLine((await group.info()).title), lines: ['You have left. What was said stays here.'] };
    },
  },
};

/** The chat with a number, or the group of a title. @throws {CommandError}, and as `chats.with` */
export async function chatCalled(client: Client, name: string): Promise<Chat | GroupChat> {
  if (name.startsWith('+')) return client.chats.with(name);
  for (const group of await client.groups.list()) {
    const { title, standing } = await group.info();
    if (standing === 'member' && title.toLowerCase() === name.toLowerCase()) return group;
  }
  throw new CommandError('there is no group of this title: see :groups; people are opened by their number');
}

/** The group that is open. @throws {CommandError} */
function groupOf({ chat }: CommandScene): GroupChat {
  if (chat?.type === 'group') return chat;
  throw new CommandError('this is for a group: open one first');
}

function some(words: readonly string[]): readonly string[] {
  if (words.length === 0) throw new CommandError('say whom: by their number, like +14155550101');
  return words;
}

async function memberCalled(client: Client, group: GroupChat, name: string): Promise<UserId> {
  if (name.startsWith('+')) return (await client.chats.with(name)).userId;
  const { members } = await group.info();
  const found = members.filter(({ username }) => username.toLowerCase() === name.toLowerCase());
  const [only] = found;
  if (only !== undefined && found.length === 1) return only.userId;
  throw new CommandError(
    found.length === 0 ? 'nobody here has this name: see :info' : 'several have this name: say the number',
  );
}

async function withRole(scene: CommandScene, words: readonly string[], role: 'admin' | 'member') {
  const group = groupOf(scene);
  await group.setRole(await memberCalled(scene.client, group, words.join(' ')), role);
  return infoOf(group);
}

async function infoOf(group: GroupChat): Promise<CommandOutput> {
  const info = await group.info();
  const members = info.members.map(
    ({ username, role }) => `  ${cleanLine(username) || 'somebody'}${role === 'member' ? '' : `, ${role}`}`,
  );
  const asking = info.requests.map(({ username }) => `  ${cleanLine(username) || 'somebody'}, asks to come in`);
  return { title: cleanLine(info.title), lines: [standingOf(info), ...members, ...asking] };
}

function standingOf({ standing, role, members, forked }: Awaited<ReturnType<GroupChat['info']>>): string {
  if (forked) return 'the relay shows it differently than before: nothing is sent into it';
  if (standing !== 'member') return standing === 'left' ? 'you have left it' : 'you are not in it any more';
  return `${countOf(members.length)}, you are its ${role ?? 'member'}`;
}

function countOf(people: number): string {
  return people === 1 ? 'you alone' : `${people} people`;
}
