import type { GroupId, UserId } from '@sotto/sdk';
import { describe, expect, it } from 'vitest';
import { bob, bobsChat, listedBob, many, noon, Scene, said } from '../scene/scene.ts';

const key = { verified: false, changed: true, blocked: true };

describe('scrolling', () => {
  it('stays where it is when something comes, and follows again at the end', () => {
    const scene = Scene.inChat(many(40));
    expect(scene.screen()).toContain('line 40');
    scene.press('pageup');
    const before = scene.rows().slice(2, 12);
    expect(before.join()).not.toContain('line 40');
    scene.take({ type: 'message.known', message: said(41, 'line 41') });
    expect(scene.rows().slice(2, 12)).toEqual(before);
    expect(scene.screen()).toContain('↓ more below');
    scene.press('pagedown', 'pagedown');
    expect(scene.screen()).toContain('line 41');
    expect(scene.screen()).not.toContain('more below');
  });

  it('keeps its place when older messages come before it, and asks for them once', () => {
    const scene = Scene.inChat([]);
    scene.take({ type: 'history.loaded', chatId: bobsChat, messages: many(40).slice(20), complete: false, unread: 0 });
    scene.effects();
    scene.press('pageup', 'pageup', 'pageup', 'pageup');
    expect(scene.effects()).toEqual([{ type: 'load-history', chatId: bobsChat, before: 'bob-21' }]);
    expect(scene.rows()[2]).toContain('Today');
    scene.take({ type: 'history.loaded', chatId: bobsChat, messages: many(20), complete: true, unread: 0 });
    expect(scene.rows()[2]).toContain('line 21');
    scene.press('up', 'up');
    expect(scene.rows()[2]).toContain('line 19');
  });

  it('shows the same message at the top after the window became narrow', () => {
    const scene = Scene.inChat(many(40).map((each) => ({ ...each, text: `${each.text} and a few words` })));
    scene.press('pageup', 'pageup');
    const [top] = /line \d+/.exec(scene.rows()[2] ?? '') ?? [];
    scene.take({ type: 'resize', size: { columns: 30, rows: 16 } });
    expect(scene.rows()[2]).toContain(top);
  });

  it('puts a late message before the later ones of its device', () => {
    const scene = Scene.inChat([said(1, 'first'), said(3, 'third')]);
    scene.take({ type: 'message.known', message: said(2, 'second', { late: true }) });
    expect(scene.screen()).toMatch(/first[\s\S]*second {2}12:00 late[\s\S]*third/);
  });
});

describe('what is unread', () => {
  const unread = many(5).map((each, at) => (at < 3 ? each : { ...each, state: 'received' as const }));

  it('has a mark at its begin that stays, and is marked as read once it is seen', () => {
    const scene = Scene.inChat(unread, { unread: 2 });
    expect(scene.screen()).toMatch(/line 3[^\n]*\n\s+─── New ───\n │ line 4/);
    expect(scene.effects()).toContainEqual({ type: 'mark-read', message: unread[4] });
    scene.take({ type: 'chats.listed', chats: [listedBob()] });
    expect(scene.effects()).toEqual([]);
    expect(scene.screen()).toContain('─── New ───');
    scene.type('x');
    scene.press('return');
    expect(scene.screen()).not.toContain('─── New ───');
  });

  it('stays unread while it is below the window', () => {
    const scene = Scene.inChat(many(40));
    scene.press('pageup');
    scene.effects();
    scene.take({ type: 'message.known', message: said(41, 'line 41', { state: 'received' }) });
    expect(scene.effects()).toEqual([]);
    scene.press('pagedown', 'pagedown');
    expect(scene.effects()).toMatchObject([{ type: 'mark-read', message: { seq: 41 } }]);
  });

  it('of a stranger stays unread until they are accepted', () => {
    const scene = Scene.inChat(unread, { unread: 2, accepted: false });
    expect(scene.effects().map(({ type }) => type)).not.toContain('mark-read');
    expect(scene.screen()).toContain('Bob is new here and sees no receipts');
    scene.press('C-y');
    expect(scene.effects()).toEqual([{ type: 'accept-chat', chatId: bobsChat }]);
    scene.take({ type: 'chats.listed', chats: [listedBob({ unread: 2 })] });
    expect(scene.effects()).toMatchObject([{ type: 'mark-read' }]);
    expect(scene.screen()).not.toContain('is new here');
  });
});

describe('a new key', () => {
  it('gives a text back that was not sent, before what was written since', () => {
    const scene = Scene.inChat([]);
    scene.take({ type: 'key.known', chatId: bobsChat, key });
    expect(scene.screen().replace(/\s+/g, ' ')).toContain(
      'Bob has a new key. Ctrl-G compares, Ctrl-Y accepts; nothing is sent before.',
    );
    scene.type('one');
    scene.press('return');
    scene.type('two');
    const notice = { text: 'this person has a new identity key', tone: 'bad' } as const;
    scene.take({ type: 'send.refused', chatId: bobsChat, text: 'one', notice });
    expect(scene.screen()).toMatch(/› one\n {3}two\n this person has a new identity key$/);
    scene.effects();
    scene.press('C-y');
    expect(scene.effects()).toEqual([{ type: 'accept-key', chatId: bobsChat }]);
  });

  it('makes the safety number that is looked at another one, which is not marked before it is accepted', () => {
    const scene = Scene.inChat([]);
    scene.press('C-g');
    const safety = { digits: '12345 '.repeat(12).trim(), qr: new Uint8Array(74), verified: true };
    scene.take({ type: 'safety.known', chatId: bobsChat, safety });
    expect(scene.screen()).toContain('You have marked it as compared');
    scene.effects();
    scene.take({ type: 'key.known', chatId: bobsChat, key });
    expect(scene.effects()).toEqual([{ type: 'show-safety', chatId: bobsChat }]);
    expect(scene.screen()).toContain('Not accepted yet');
    scene.press('v');
    expect(scene.effects()).toEqual([]);
    scene.press('C-y');
    expect(scene.effects()).toEqual([{ type: 'accept-key', chatId: bobsChat }]);
  });
});

describe('an account', () => {
  it('is made from what is answered, and with a recovery key only where somebody has one', () => {
    const scene = new Scene();
    scene.take({ type: 'registration.needed', phone: '', name: '', recovers: false });
    scene.press('return');
    scene.type('+14155550101');
    scene.press('return');
    scene.type(' Alice ');
    scene.press('C-r', 'return');
    expect(scene.effects()).toEqual([]);
    scene.type('ABCD-EFGH');
    expect(scene.screen()).toContain('Key     ABCD-EFGH');
    scene.press('return');
    const details = { type: 'register', phone: '+14155550101', name: 'Alice' };
    expect(scene.effects()).toEqual([{ ...details, recoveryKey: 'ABCD-EFGH' }]);
    scene.take({ type: 'registration.failed', notice: { text: 'mistyped', tone: 'bad' } });
    expect(scene.screen()).toMatch(/ABCD-EFGH[\s\S]*mistyped$/);
    scene.press('C-r', 'return');
    expect(scene.effects()).toEqual([{ ...details, recoveryKey: undefined }]);
  });

  it('whose number is locked asks for the PIN, and does not show it', () => {
    const scene = new Scene();
    scene.take({ type: 'registration.needed', phone: '+14155550101', name: 'Alice', recovers: false });
    scene.take({ type: 'pin.wanted', attemptsLeft: 1 });
    scene.type('my PIN');
    expect(scene.screen()).toMatch(/locked by a PIN\. 1 try\s+is left[\s\S]*PIN {5}\*{6}\n/);
    expect(scene.screen()).not.toContain('my PIN');
    scene.press('return');
    expect(scene.effects()).toEqual([{ type: 'give-pin', pin: 'my PIN' }]);
  });
});

it('a draft stays with its chat, and is shown in the list', () => {
  const scene = Scene.inChat([said(1, 'hello')], { lastMessage: said(1, 'hello') });
  scene.type('half');
  scene.press('escape');
  expect(scene.screen()).toMatch(/Bob +draft: half +12:00/);
  scene.press('return');
  expect(scene.screen()).toContain('› half');
});

it('a notice stays until the next key', () => {
  const scene = Scene.withBob();
  scene.take({ type: 'noticed', notice: { text: 'kept and tried again', tone: 'warn' } });
  scene.take({ type: 'tick' });
  expect(scene.screen()).toContain('kept and tried again');
  scene.press('down');
  expect(scene.screen()).toContain('Enter opens');
});

it('today becomes yesterday', () => {
  const scene = Scene.inChat(many(1));
  scene.state = { ...scene.state, now: noon + 86_400_000 };
  expect(scene.screen()).toContain('─── Yesterday ───');
});

describe('commands', () => {
  const output = { title: 'Rowers', lines: ['3 people, you are its owner'], qr: undefined };

  it('are typed over the list, and what they say is read there', () => {
    const scene = Scene.withBob();
    scene.type(':');
    scene.type('devices');
    expect(scene.screen()).toMatch(/:\s+devices/);
    scene.effects();
    scene.press('return');
    expect(scene.effects()).toEqual([{ type: 'command', line: 'devices', chatId: undefined }]);
    expect(scene.screen()).toContain('Working');
    scene.take({ type: 'command.done', output, open: undefined });
    expect(scene.screen()).toContain('3 people, you are its owner');
    scene.press('escape');
    expect(scene.screen()).toContain('Bob');
  });

  it('work on the chat that is open, and what is wrong with one is said where it was typed', () => {
    const scene = Scene.inChat(many(1));
    scene.press('C-p');
    scene.type('info');
    scene.effects();
    scene.press('return');
    expect(scene.effects()).toEqual([{ type: 'command', line: 'info', chatId: bobsChat }]);
    scene.take({ type: 'command.refused', notice: { text: 'open a group first', tone: 'bad' } });
    expect(scene.screen()).toContain('open a group first');
    expect(scene.screen()).toMatch(/:\s+info/);
    scene.press('escape');
    expect(scene.screen()).toContain('line 1');
  });

  it('open the chat that they made, behind what they say', () => {
    const scene = Scene.withBob();
    scene.type(':');
    scene.type('group x');
    scene.press('return');
    scene.effects();
    scene.take({ type: 'command.done', output, open: bobsChat });
    expect(scene.effects()).toContainEqual({ type: 'load-history', chatId: bobsChat, before: undefined });
    scene.take({ type: 'history.loaded', chatId: bobsChat, messages: many(2), complete: true, unread: 0 });
    scene.press('return');
    expect(scene.screen()).toContain('line 2');
  });
});

describe('in a group', () => {
  it('it is said who speaks, once for several in a row; Ctrl-G asks who is in it', () => {
    const groupId = bobsChat as string as GroupId;
    const messages = [
      said(1, 'one', { groupId }),
      said(2, 'two', { groupId }),
      said(3, 'three', { groupId, senderId: 'carol' as UserId }),
      said(1, 'mine', { groupId, by: 'alice' }),
      said(4, 'four', { groupId }),
    ];
    const scene = Scene.inChat(messages, { userId: undefined, name: 'Rowers', number: '' });
    scene.take({ type: 'names.known', names: { [bob]: 'Bob' } });
    const shown = scene.screen();
    expect(shown).toMatch(/ Bob\n │ one[^\n]*\n │ two[^\n]*\n somebody\n │ three[\s\S]*mine[\s\S]* Bob\n │ four/);
    scene.effects();
    scene.press('C-g');
    expect(scene.effects()).toEqual([{ type: 'command', line: 'info', chatId: bobsChat }]);
  });
});
