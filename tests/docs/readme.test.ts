import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDocsRelay } from './docs-relay.ts';
import { exampleFolder } from './example-folder.ts';
import { codeBlocks, quoted, read, root, section, tableRows } from './pages.ts';

const page = read('README.md');
const [bot = '', tenLines = '', group = '', linking = ''] = codeBlocks(page, 'ts');

/** The two devices of the linking, each with the beginning of the ten lines. */
function linkingPrograms(): { readonly alice: string; readonly tablet: string } {
  const [beginning = ''] = tenLines.split(/^if /m);
  const [saysYes = '', tablet = '', alice = ''] = linking.split(/^\/\/ On the .*\n/m);
  return {
    alice: `${beginning}${saysYes}${alice}`,
    tablet: `${beginning.replaceAll('alice', 'tablet')}${saysYes}${tablet}console.log('linked to', tablet.account?.number);\n`,
  };
}

function linesOf(code: string): number {
  return code.split('\n').filter((line) => line.trim() !== '').length;
}

describe('the examples of README.md', () => {
  it('have the lengths that their headings say', () => {
    expect(codeBlocks(page, 'ts')).toHaveLength(4);
    for (const code of [tenLines, group]) expect(linesOf(code)).toBeLessThanOrEqual(10);
    expect(linesOf(bot)).toBeLessThanOrEqual(15);
  });

  it('run as they stand: the bot answers the ten lines, and in the group, and a second device is linked', async () => {
    await using relay = await openDocsRelay();
    await using examples = await exampleFolder();
    const here = (code: string) => code.replaceAll('http://localhost:8080', relay.url);
    expect(here(tenLines)).not.toBe(tenLines);
    await examples.write('mine/alice.ts', here(tenLines));
    await examples.write('mine/bot.ts', here(bot));
    await examples.write('mine/group.ts', here(group));

    const echo = examples.run('mine/bot.ts');
    await echo.says('Code: ');
    echo.type(await relay.codeFor('+14155550102'));
    await relay.registered;

    const alice = examples.run('mine/alice.ts');
    await alice.says('Code: ');
    alice.type(await relay.codeFor('+14155550101'));
    await alice.says('You said: hello');
    await alice.end();
    const inGroup = examples.run('mine/group.ts');
    await inGroup.says('You said: who rows on Saturday?');
    await inGroup.end();

    const programs = linkingPrograms();
    await examples.write('mine/first.ts', here(programs.alice));
    await examples.write('mine/tablet.ts', here(programs.tablet));
    const tablet = examples.run('mine/tablet.ts');
    const [code = ''] = /sotto-link:\S+/.exec(await tablet.says('\n')) ?? [];
    const first = examples.run('mine/first.ts');
    await first.says('The code that the new device shows: ');
    first.type(code);
    await first.says('Is "Tablet" yours');
    first.type('yes');
    await tablet.says('Is +14155550101, Alice, your account?');
    tablet.type('yes');
    await tablet.says('linked to +14155550101');
  });

  it('compile under the strict settings of this repository', async () => {
    await using examples = await exampleFolder();
    await examples.write('mine/alice.ts', tenLines);
    await examples.write('mine/bot.ts', bot);
    await examples.write('mine/group.ts', group);
    const programs = linkingPrograms();
    await examples.write('mine/first.ts', programs.alice);
    await examples.write('mine/tablet.ts', programs.tablet);
    expect(await examples.compile()).toEqual({ status: 0, stdout: '' });
  });
});

describe('README.md', () => {
  it('packs every package together with those that it needs', () => {
    const manifests = [
      'proto',
      ...['libsignal-wasm', 'sdk', 'storage-adapters', 'relay-server', 'testing'].map((name) => `packages/${name}`),
    ].map((folder) => JSON.parse(read(`${folder}/package.json`)) as { name: string; dependencies?: object });
    const packed = [...(/^npm pack .*$/m.exec(page)?.[0] ?? '').matchAll(/ -w (\S+)/g)].map(([, name]) => name);
    expect(packed).toEqual(manifests.map(({ name }) => name));
    const needed = manifests.flatMap(({ dependencies = {} }) => Object.keys(dependencies));
    expect(packed).toEqual(expect.arrayContaining(needed.filter((name) => name.startsWith('@sotto/'))));
  });

  it('leaves nothing for git where the examples keep their data', () => {
    const pages = [page, read('examples/cli-chat/README.md'), read('examples/echo-bot/README.md')];
    const named = pages.flatMap((text) =>
      [...text.matchAll(/--data (?:\.\/)?([\w-]+)/g)].map(([, folder = '']) => folder),
    );
    const defaults = ['sotto-data', 'sotto-chat'];
    for (const folder of defaults) {
      expect(
        [read('examples/cli-chat/src/options.ts'), read('packages/relay-server/src/config/config-keys.ts')].join(),
      ).toContain(`'./${folder}'`);
    }
    expect(named).toContain('echo-bot-data');
    const ignored = read('.gitignore')
      .split('\n')
      .map((line) => line.replaceAll('/', ''));
    expect(ignored).toEqual(
      expect.arrayContaining([...new Set([...named, ...defaults])].filter((name) => name !== 'DIR')),
    );
  });

  it('names the flags of sotto-relay that take a value', () => {
    const bin = join(root, 'packages/relay-server/src/bin.ts');
    const help = execFileSync(process.execPath, ['--conditions=sotto-source', bin, '--help'], { encoding: 'utf8' });
    const flags = [...help.matchAll(/^ {2}(--[a-z]+ [A-Z]+) /gm)].map(([, flag]) => flag);
    expect(tableRows(section(page, '## The relay')).map(([flag]) => quoted(flag))).toEqual(flags);
  });

  it('names calls that are there', () => {
    const files: Readonly<Record<string, string>> = {
      client: 'packages/sdk/src/client/client.ts',
      'client.chats': 'packages/sdk/src/chats/chats.ts',
      'client.groups': 'packages/sdk/src/groups/groups.ts',
      'client.people': 'packages/sdk/src/people/people.ts',
      'client.devices': 'packages/sdk/src/devices/devices.ts',
      'client.profile': 'packages/sdk/src/accounts/profile.ts',
      'client.registrationlock': 'packages/sdk/src/accounts/registration-lock.ts',
      chat: 'packages/sdk/src/chats/chat.ts',
    };
    const calls = tableRows(section(page, '### The calls')).flatMap(([cell = '']) =>
      [...cell.matchAll(/`([\w.]+)\.(\w+)/g)].map(([, on = '', name = '']) => ({ on: on.toLowerCase(), name })),
    );
    const unknown = calls.filter(({ on, name }) => {
      const member = new RegExp(`^ {2}(?:static |async |get )*${name}(?:<.*>)?\\(`, 'm');
      return !member.test(read(files[on] ?? ''));
    });
    expect(unknown).toEqual([]);
    expect(calls.length).toBeGreaterThan(15);
  });

  it('shows an output of the demo that was ok', () => {
    const [output = ''] = codeBlocks(page, 'text');
    const [, sent, received] = /\ndemo: ok sent=(\d+) received=(\d+) lost=0 duplicated=0\n$/.exec(output) ?? [];
    expect(Number(sent)).toBeGreaterThan(0);
    expect(received).toBe(sent);
  });

  it('tells nobody to type a command that this repository has not', () => {
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(read('package.json'));
    const typed = ['sh', 'console'].flatMap((language) =>
      codeBlocks(page, language).flatMap((block) => block.split('\n')),
    );
    const named = typed.flatMap((line) => /^npm (?:run )?([a-z:]+)/.exec(line)?.[1] ?? []);
    const own = new Set(['install', 'pack']);
    expect(named.filter((name) => !own.has(name) && !(name in scripts))).toEqual([]);
    expect(named.length).toBeGreaterThan(0);
  });
});
