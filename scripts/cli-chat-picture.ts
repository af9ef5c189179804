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
  await write('bob', 'Every word. こんにちは 👋 שלום');
  await tmux.shows('alice', 'Every word', signal);
  await write('alice', 'Even where the relay runs on a machine of somebody else, it holds nothing that it could read.');
  await tmux.shows('bob', 'nothing that it could read', signal);
  await tmux.press('bob', 'Escape');
  await tmux.shows('bob', 'Enter opens', signal);
  await say('bob', numbers.echo, '/start');
  await tmux.shows('bob', 'Hello! Write anything', signal);
  await write('bob', 'Is anybody there?');
  await tmux.shows('bob', /│ Is anybody there\?/, signal);
  await tmux.shows('bob', /Is anybody there\? {2}\d\d:\d\d ✓✓\s+read/, signal);
  await tmux.shows('alice', /✓✓\s+read/, signal);
  const captures = await Promise.all(
    (['alice', 'bob'] as const).map(async (person) => ({
      title: `npm run chat -- --data ./${person}`,
      text: await tmux.screen(person, { colors: true }),
      ...size,
    })),
  );
  writeFileSync(
    join(root, 'docs/cli-chat.svg'),
    pictureOf('Two terminals: Alice and Bob write to each other, and a bot answers Bob.', captures),
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
