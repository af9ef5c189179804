import type { Command } from './command.ts';
import { CommandError } from './command-line.ts';

/** Who may reach this user, and how loudly. */
export const peopleCommands: Readonly<Record<string, Command>> = {
  mute: {
    usage: ':mute',
    says: 'mutes this chat',
    async run({ chat }) {
      if (chat === undefined) throw new CommandError('open a chat first');
      await chat.mute('forever');
      return { title: 'Muted', lines: ['This chat is muted.'] };
    },
  },
  unmute: {
    usage: ':unmute',
    says: 'makes it heard again',
    async run({ chat }) {
      if (chat === undefined) throw new CommandError('open a chat first');
      await chat.mute(undefined);
      return { title: 'Muted', lines: ['This chat is not muted any more.'] };
    },
  },
  decline: {
    usage: ':decline',
    says: 'removes a stranger’s chat',
    async run({ chat }) {
      if (chat?.type !== 'person') throw new CommandError('open the chat of a stranger first');
      await chat.decline();
      return { title: 'Declined', lines: ['The chat is gone. What they write next is a new one.'] };
    },
  },
  block: {
    usage: ':block',
    says: 'blocks the person of this chat',
    async run({ client, chat }) {
      if (chat?.type !== 'person') throw new CommandError('open the chat of a person first');
      await client.block(chat.userId);
      return { title: 'Blocked', lines: ['Nothing is sent to them, and nothing of theirs is shown.'] };
    },
  },
  unblock: {
    usage: ':unblock +NUMBER',
    says: 'takes somebody back',
    async run({ client }, [number = '']) {
      const found = (await client.blocked()).find((person) => person.number === number);
      if (found === undefined) throw new CommandError('nobody of this number is blocked: see :blocked');
      await client.unblock(found.userId);
      return { title: 'Blocked', lines: ['They can write to you again.'] };
    },
  },
  blocked: {
    usage: ':blocked',
    says: 'whom you have blocked',
    async run({ client }) {
      const lines = (await client.blocked()).map(({ number, userId }) => number || userId);
      return { title: 'Blocked', lines: lines.length === 0 ? ['Nobody.'] : lines };
    },
  },
};
