import { spawnSync } from 'node:child_process';
import { Client, memoryStore } from '@sotto/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scanned } from './scan.ts';
import { Stage } from './stage.ts';

const hasTmux = spawnSync('tmux', ['-V']).status === 0;
// A machine that checks changes has to have it: there a missing one fails.
const canRun = hasTmux || process.env.CI !== undefined;

const [aliceNumber, bobNumber] = ['+14155550101', '+14155550102'] as const;

describe.runIf(canRun)('groups and devices in real terminals', () => {
  const stage = new Stage();
  const { tmux, relay } = stage;

  beforeAll(async () => {
    await stage.open();
    await stage.openShell('alice', { columns: 80, rows: 24 });
    await stage.openShell('tablet', { columns: 120, rows: 50 });
    await stage.startChat('alice');
  });
  afterAll(() => stage.close());

  const command = async (window: string, line: string) => {
    await tmux.type(window, line);
    await tmux.press(window, 'Enter');
  };

  it('make a group, and show who speaks in it and who is in it', async ({ signal }) => {
    await using bob = await Client.open({ relay: relay.url, store: memoryStore() });
    await bob.register({ phone: bobNumber, profile: { username: 'Bob' }, code: () => relay.codeFor(bobNumber) });
    await stage.register('alice', { number: aliceNumber, name: 'Alice' }, signal);
    await stage.keepRecoveryKey('alice', signal);
    await tmux.shows('alice', 'Press n to write to somebody', signal);
    await tmux.type('alice', ':');
    await command('alice', `group Rowers ${bobNumber}`);
    await tmux.shows('alice', 'Rowers is made, with 2 people.', signal);
    await tmux.press('alice', 'Enter');
    await tmux.shows('alice', /^ ‹ Rowers/, signal);
    await command('alice', 'who rows?');
    await tmux.shows('alice', /who rows\? {2}\d\d:\d\d ✓/, signal);
    const [atBob] = await bob.groups.list();
    await atBob?.send('I do');
    await atBob?.send('and you?');
    await tmux.shows('alice', / (Bob|somebody)\s+│ I do[^\n]*\n │ and you\?/, signal);
    await tmux.press('alice', 'C-g');
    await tmux.shows('alice', /2 people, you are its owner\s+(Alice, owner|Bob|somebody)/, signal);
    await tmux.press('alice', 'Escape');
    // Escape and another key at once are one key to a terminal.
    await tmux.shows('alice', /^ ‹ Rowers/, signal);
    await tmux.press('alice', 'C-p');
    await tmux.shows('alice', /Command\s/, signal);
    await command('alice', 'leave');
    await tmux.shows('alice', 'You have left', signal);
    await tmux.press('alice', 'Escape');
    await tmux.shows('alice', /^ ‹ Rowers/, signal);
    await tmux.press('alice', 'Escape');
    await tmux.shows('alice', /Rowers +and you\?/, signal);
  });

  it('let a second device in by its code, list it, and take it out', async ({ signal }) => {
    await stage.startChat('tablet', '--link-as', 'Tablet');
    const seen = await tmux.shows('tablet', /sotto-link:\S+[\s\S]*Esc back/, signal);
    // What a camera sees is what there is to be typed.
    const code = Buffer.from(scanned(seen) ?? []).toString();
    expect(code).toMatch(/^sotto-link:/);
    await tmux.shows('alice', /^ Sotto/, signal);
    await tmux.type('alice', ':');
    await command('alice', `link ${code}`);
    await tmux.shows('alice', 'calls itself Tablet', signal);
    await tmux.press('alice', 'Escape');
    await tmux.shows('alice', /^ Sotto/, signal);
    await tmux.type('alice', ':');
    await command('alice', `link ${code} yes`);
    await tmux.shows('alice', 'Tablet is let in, as device 2.', signal);
    await tmux.shows('tablet', /would be one of \+14155550101/, signal);
    await tmux.type('tablet', 'y');
    await tmux.shows('tablet', /Sotto {2}\+14155550101[\s\S]*Bob/, signal);
    await tmux.press('alice', 'Escape');
    await tmux.shows('alice', /^ Sotto/, signal);
    await tmux.type('alice', ':');
    await command('alice', 'revoke 2');
    await tmux.shows('alice', /Devices[\s\S]*1 {2}[^\n]*the first one, this one/, signal);
    await tmux.shows('tablet', 'signed out', signal);
    await tmux.shows('tablet', 'this device was taken out of the account', signal);
  });
});
