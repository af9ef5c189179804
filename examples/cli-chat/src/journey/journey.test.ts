import { spawnSync } from 'node:child_process';
import { Client, memoryStore } from '@sotto/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { widthOf } from '../text/graphemes.ts';
import { scanned } from './scan.ts';
import { Stage } from './stage.ts';

const hasTmux = spawnSync('tmux', ['-V']).status === 0;
// A machine that checks changes has to have it: there a missing one fails.
const canRun = hasTmux || process.env.CI !== undefined;

const aliceNumber = '+14155550101';
const bobNumber = '+14155550102';

describe.runIf(canRun)('two chats in real terminals', () => {
  const stage = new Stage();
  const { tmux, relay } = stage;
  let bobsKey = '';

  beforeAll(async () => {
    await stage.open();
    // Under a shell, as at home: it is the shell that suspends and continues them.
    await stage.openShell('alice', { columns: 80, rows: 24 });
    await stage.openShell('bob', { columns: 60, rows: 20 });
    await stage.startChat('alice');
    await stage.startChat('bob');
  });
  afterAll(() => stage.close());

  it('register, each by a code, and show the recovery key', async ({ signal }) => {
    await stage.register('alice', { number: aliceNumber, name: 'Alice' }, signal);
    await stage.keepRecoveryKey('alice', signal);
    await stage.register('bob', { number: bobNumber, name: 'Bob' }, signal);
    bobsKey = await stage.keepRecoveryKey('bob', signal);
    await tmux.shows('bob', 'Press n to write to somebody', signal);
    await tmux.shows('alice', '● live', signal);
  });

  it('talk both ways, with unread counts, typing, and ticks that turn to read', async ({ signal }) => {
    await stage.writeFirst('alice', bobNumber, 'Hello Bob, can you read this?', signal);
    await tmux.shows('alice', /Hello Bob, can you read this\? {2}\d\d:\d\d ✓/, signal);

    await tmux.shows('bob', /Alice .*Hello Bob.* 1 +\d\d:\d\d/, signal);
    await tmux.shows('bob', '1 unread', signal);
    await tmux.press('bob', 'Enter');
    await tmux.shows('bob', /─── New ───\s+│ Hello Bob, can you read this\?/, signal);
    await tmux.type('bob', 'Every word.');
    await tmux.press('bob', 'Enter');

    await tmux.shows('alice', /│ Every word\. {2}\d\d:\d\d/, signal);
    await tmux.shows('alice', /can you read this\? {2}\d\d:\d\d ✓✓\s+read/, signal);
    await tmux.shows('bob', /Every word\. {2}\d\d:\d\d ✓✓\s+read/, signal);
    const colored = (await tmux.screen('bob', { colors: true })).replaceAll('\x1b', '^');
    expect(colored).toMatch(/\^\[36m(\^\[49m)?✓✓/);

    await tmux.type('alice', 'and');
    await tmux.shows('bob', 'Alice is typing …', signal);
    await tmux.press('alice', 'C-u');
    await tmux.shows('bob', /^(?![\s\S]*is typing)/, signal);
  });

  it('keep a paste of several lines, wide text and right-to-left text', async ({ signal }) => {
    await tmux.paste('bob', 'one\ntwo שלום עולם 1.5\n日本語テキスト 👨‍👩‍👧 e\u0301');
    await tmux.shows('bob', '3 lines pasted', signal);
    // Nothing is sent by a line end in it.
    await tmux.press('bob', 'Enter');
    const seen = await tmux.shows('alice', /│ one[\s\S]*│ .?two .*שלום[\s\S]*│ 日本語テキスト/, signal);
    const row = seen.split('\n').find((line) => line.includes('שלום')) ?? '';
    expect(row).toContain('\u2068two שלום עולם 1.5\u2069');
    await tmux.shows('bob', /日本語テキスト.* {2}\d\d:\d\d ✓✓\s+read/, signal);
  });

  it('show what commands a terminal as text in messages; no name has such characters', async ({ signal }) => {
    await using mallory = await Client.open({ relay: relay.url, store: memoryStore() });
    const phone = '+14155550103';
    const register = (username: string) =>
      mallory.register({ phone, profile: { username }, code: () => relay.codeFor(phone) });
    await expect(register('Eve\u202Etxt \u2067.')).rejects.toMatchObject({ code: 'username-invalid' });
    await register('Mallory');
    const chat = await mallory.chats.with(aliceNumber);
    await chat.send('\x1b[2J\x1b[Hgone \x1b]0;title\x07 \x9b31m\rover');
    await tmux.press('alice', 'Escape');
    await tmux.shows('alice', 'Mallory', signal);
    await tmux.press('alice', 'Up', 'Up', 'Enter');
    const seen = await tmux.shows('alice', /␛\[2J␛\[Hgone ␛\]0;title␇ �31m\s+│ over/, signal);
    expect(seen).toContain('‹ Mallory');
    expect(await tmux.fact('alice', 'pane_title')).not.toContain('title');
    await tmux.press('alice', 'Escape');
    await tmux.shows('alice', '1 unread', signal);
  });

  it('scroll back over pages that are loaded from the store', async ({ signal }) => {
    await using sender = await Client.open({ relay: relay.url, store: memoryStore() });
    const phone = '+14155550104';
    await sender.register({ phone, profile: { username: 'Carol' }, code: () => relay.codeFor(phone) });
    const chat = await sender.chats.with(aliceNumber);
    // More than a page, and no more than a relay takes at once.
    await Promise.all(Array.from({ length: 56 }, (_, at) => chat.send(`line ${at + 1} of 56`)));
    await tmux.shows('alice', /Carol +line 56 of 56 +56/, signal);
    await tmux.press('alice', 'Home', 'Enter');
    await tmux.shows('alice', /^ ‹ Carol[\s\S]*line 56 of 56/, signal);
    await tmux.press('alice', 'C-y');
    await tmux.press('alice', 'Escape');
    await tmux.shows('alice', /Carol +line 56 of 56 +\d\d:/, signal);
    await tmux.press('alice', 'Enter');
    // Not the list, which shows the last line, too.
    await tmux.shows('alice', /^ ‹ Carol[\s\S]*line 55 of 56[\s\S]*line 56 of 56/, signal);
    // The latest page of fifty, to its begin; then what came before it.
    await tmux.press('alice', 'PageUp', 'PageUp', 'PageUp', 'PageUp');
    await tmux.shows('alice', /line 7 of 56/, signal);
    await tmux.press('alice', 'PageUp');
    const seen = await tmux.shows('alice', /line 1 of 56/, signal);
    expect(seen).toContain('↓ more below');
    await tmux.press('alice', ...Array.from({ length: 6 }, () => 'PageDown'));
    await tmux.shows('alice', /line 56 of 56[\s\S]*─{78}/, signal);
    await tmux.press('alice', 'Escape');
  });

  it('follow the size of the window', async ({ signal }) => {
    await tmux.resize('bob', { columns: 34, rows: 14 });
    const narrow = await tmux.shows('bob', /^ ‹ Alice +● live\s+─{34}\n/, signal);
    expect(narrow.split('\n').filter((line) => widthOf(line) > 34)).toEqual([]);
    await tmux.resize('bob', { columns: 100, rows: 30 });
    await tmux.shows('bob', /^ ‹ Alice.*● live\s+─{100}\n[\s\S]*Hello Bob/, signal);
  });

  it('stop for the shell and come back', async ({ signal }) => {
    await tmux.type('bob', 'half a thou');
    await tmux.shows('bob', '› half a thou', signal);
    await tmux.press('bob', 'C-z');
    await tmux.shows('bob', /Stopped[\s\S]*at-home/, signal);
    expect(await tmux.fact('bob', 'alternate_on')).toBe('0');
    await tmux.type('bob', 'fg');
    await tmux.press('bob', 'Enter');
    await tmux.shows('bob', /^ ‹ Alice[\s\S]*› half a thou/, signal);
  });

  it('give the terminal back at SIGTERM, and find history and draft again', async ({ signal }) => {
    await tmux.press('alice', 'C-c');
    await tmux.shows('alice', 'at-home', signal);
    expect(await tmux.fact('alice', 'alternate_on')).toBe('0');
    await stage.startChat('alice');
    await tmux.shows('alice', /Bob .*one two/, signal);

    const shell = await tmux.fact('bob', 'pane_pid');
    const children = spawnSync('ps', ['-o', 'pid=', '--ppid', shell], { encoding: 'utf8' }).stdout;
    process.kill(Number(children.trim().split('\n')[0]), 'SIGTERM');
    await tmux.shows('bob', 'at-home', signal);
    expect(await tmux.fact('bob', 'alternate_on')).toBe('0');
    await stage.startChat('bob');
    await tmux.shows('bob', /Alice .*draft: half a thou/, signal);
    await tmux.press('bob', 'Enter');
    await tmux.shows('bob', /Every word\.[\s\S]*› half a thou/, signal);
  });

  it('show the same safety number on both sides, with a code for a camera, and keep that it was compared', async ({
    signal,
  }) => {
    await tmux.press('alice', 'End', 'Enter');
    await tmux.shows('alice', /^ ‹ Bob/, signal);
    await tmux.press('alice', 'C-g');
    await tmux.press('bob', 'C-g');
    const [alices, bobs] = [
      await tmux.shows('alice', 'Not compared yet', signal),
      await tmux.shows('bob', 'Not compared yet', signal),
    ];
    expect(digitsOf(alices)).toHaveLength(60);
    expect(digitsOf(bobs)).toBe(digitsOf(alices));
    // Each code holds both fingerprints, the own one first.
    const [own, theirs] = fingerprintsOf(scanned(alices));
    expect(fingerprintsOf(scanned(bobs))).toEqual([theirs, own]);
    expect(own).not.toEqual(theirs);

    await tmux.press('alice', 'v');
    await tmux.shows('alice', 'You have marked it as compared', signal);
    await tmux.press('alice', 'Escape');
    await tmux.shows('alice', /‹ Bob .*✓ verified/, signal);
    await tmux.press('bob', 'Escape');
    await tmux.shows('bob', /^ ‹ Alice/, signal);
  });

  it('go on with a recovery key on another device; who had compared sees the new key and sends nothing before accepting it', async ({
    signal,
  }) => {
    await stage.openShell('phone', { columns: 80, rows: 24 });
    await stage.startChat('phone');
    await stage.register('phone', { number: bobNumber, name: 'Bob', recoveryKey: bobsKey }, signal);
    await tmux.shows('phone', 'Press n to write to somebody', signal);
    await tmux.shows('bob', '○ signed out', signal);
    await tmux.shows('bob', 'the number was registered on another device', signal);

    await stage.writeFirst('phone', aliceNumber, 'It is me, on a new phone.', signal);
    const warned = await tmux.shows('alice', /Bob has a new key\. .*Ctrl-Y accepts; nothing is sent before/, signal);
    expect(warned).not.toContain('verified');
    await tmux.type('alice', 'Are you?');
    await tmux.press('alice', 'Enter');
    await tmux.shows('alice', /› Are you\?\s+this person has a new identity key/, signal);

    await tmux.press('alice', 'C-g');
    const alices = await tmux.shows('alice', 'Bob has a new key, and', signal);
    await tmux.press('phone', 'C-g');
    expect(digitsOf(await tmux.shows('phone', 'Not compared yet', signal))).toBe(digitsOf(alices));
    await tmux.press('phone', 'Escape');
    await tmux.press('alice', 'C-y');
    await tmux.shows('alice', 'Not compared yet', signal);
    await tmux.press('alice', 'Escape');
    await tmux.shows('alice', /^(?![\s\S]*new key)[\s\S]*› Are you\?/, signal);
    await tmux.press('alice', 'Enter');
    await tmux.shows('phone', '│ Are you?', signal);
  });

  it('ask for the PIN of a locked number, again after a wrong one', async ({ signal }) => {
    const phone = '+14155550105';
    const pin = 'not a birthday';
    await using owner = await Client.open({ relay: relay.url, store: memoryStore() });
    await owner.register({ phone, profile: { username: 'Dora' }, code: () => relay.codeFor(phone) });
    await owner.registrationLock.set(pin);
    await stage.openShell('dora', { columns: 80, rows: 24 });
    await stage.startChat('dora');
    await stage.register('dora', { number: phone, name: 'Dora' }, signal);
    await tmux.shows('dora', /locked by a PIN\. 5 tries are left/, signal);
    await tmux.type('dora', 'birthday');
    await tmux.shows('dora', /PIN {5}\*{8}\n/, signal);
    await tmux.press('dora', 'Enter');
    await tmux.shows('dora', /locked by a PIN\. 4 tries are left/, signal);
    await tmux.type('dora', pin);
    await tmux.press('dora', 'Enter');
    await stage.keepRecoveryKey('dora', signal);
    await tmux.shows('dora', 'Press n to write to somebody', signal);
  });
});

function digitsOf(screen: string): string {
  return (screen.match(/\b\d{5}\b/g) ?? []).join('');
}

/** The two fingerprints in what a QR code says: 32 bytes each, behind their tags. */
function fingerprintsOf(code: Uint8Array): [Uint8Array, Uint8Array] {
  expect(code).toHaveLength(74);
  return [code.subarray(6, 38), code.subarray(42)];
}
