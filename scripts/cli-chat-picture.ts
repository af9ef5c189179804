import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stage } from '../examples/cli-chat/src/journey/stage.ts';
import { pictureOf } from './terminal-picture.ts';

// Makes docs/cli-chat.svg from two real terminals: `node --conditions=sotto-source scripts/cli-chat-picture.ts`. Needs tmux.

const root = join(import.meta.dirname, '..');
const { signal } = new AbortController();
const stage = new Stage();
const { tmux } = stage;
const numbers = { alice: '+14155550101', bob: '+14155550102', echo: '+14155550103' };
const size = { columns: 66, rows: 19 };

try {
  await stage.open();
  for (const person of ['alice', 'bob'] as const) {
    await stage.openShell(person, size);
    await stage.startChat(person);
    await stage.register(person, { number: numbers[person], name: person === 'alice' ? 'Alice' : 'Bob' }, signal);
    await stage.keepRecoveryKey(person, signal);
    await stage.tmux.shows(person, 'Press n to write to somebody', signal);
  }
  const bot = join(root, 'examples/echo-bot/src/main.ts');
  const data = join(stage.relay.folder, 'echo');
  await tmux.open('echo', size, [
    process.execPath,
    '--conditions=sotto-source',
    bot,
    '--relay',
    stage.relay.url,
    '--data',
    data,
    '--phone',
    numbers.echo,
  ]);
  await tmux.shows('echo', 'Code:', signal);
  await tmux.type('echo', await stage.relay.codeFor(numbers.echo));
  await tmux.press('echo', 'Enter');
  await tmux.shows('echo', 'answers', signal);

  await say('alice', numbers.bob, 'Hello Bob, can you read this?');
  await tmux.shows('bob', '1 unread', signal);
  await tmux.press('bob', 'Enter');
  await tmux.shows('bob', 'can you read this?', signal);
  await write('bob', 'Every word.');
  await tmux.shows('alice', 'Every word', signal);
  await tmux.press('alice', 'C-p');
  await tmux.shows('alice', /Command\s/, signal);
  await write('alice', `group Rowing club ${numbers.bob} ${numbers.echo}`);
  await tmux.shows('alice', 'Rowing club is made, with 3 people.', signal);
  await tmux.press('alice', 'Enter');
  await tmux.shows('alice', /^ ‹ Rowing club/, signal);
  await write('alice', 'Who rows on Saturday?');
  await tmux.press('bob', 'Escape');
  await tmux.shows('bob', /Rowing club +Who rows on Saturday\?/, signal);
  await tmux.press('bob', 'Up', 'Enter');
  await tmux.shows('bob', /^ ‹ Rowing club/, signal);
  await write('bob', 'I do. こんにちは 👋');
  await tmux.shows('alice', 'I do.', signal);
  await write('alice', 'The relay keeps it for whoever is away, and reads neither this nor what we are called.');
  await tmux.shows('bob', 'what we are called', signal);
  await write('bob', '@Echo and you?');
  for (const person of ['alice', 'bob']) await tmux.shows(person, /Echo\s+│ and you\?/, signal);
  for (const person of ['alice', 'bob']) await tmux.shows(person, /✓✓\s+read/, signal);
  const captures = await Promise.all(
    (['alice', 'bob'] as const).map(async (person) => ({
      title: `npm run chat -- --data ./${person}`,
      text: await tmux.screen(person, { colors: true }),
      ...size,
    })),
  );
  writeFileSync(
    join(root, 'docs/cli-chat.svg'),
    pictureOf(
      'Two terminals: Alice and Bob talk in a group of three, and its third member, a bot, answers Bob.',
      captures,
    ),
  );
} finally {
  await stage.close();
}

async function say(person: string, number: string, text: string): Promise<void> {
  await tmux.press(person, 'n');
  await tmux.type(person, number);
  await tmux.press(person, 'Enter');
  await tmux.shows(person, 'Nothing yet', signal);
  await write(person, text);
}

async function write(person: string, text: string): Promise<void> {
  await tmux.type(person, text);
  await tmux.press(person, 'Enter');
}
