import type { Message } from '@sotto/sdk';
import { describe, expect, it } from 'vitest';
import { decoded } from '../journey/scan.ts';
import { bobsChat, many, Scene, said } from '../scene/scene.ts';
import { asciiGlyphs, unicodeGlyphs } from '../screen/look.ts';
import { textOf } from '../screen/row.ts';
import { widthOf } from '../text/graphemes.ts';
import { qrPicture } from './qr-picture.ts';
import { viewOf } from './view.ts';

const code = Uint8Array.from({ length: 74 }, (_, at) => (at * 37) % 256);
const safety = { digits: Array.from({ length: 12 }, () => '12345').join(' '), qr: code, verified: false };

describe('ticks', () => {
  const states: readonly (readonly [Message['state'], string, string])[] = [
    ['queued', '◌', 'queued'],
    ['sent', '✓', 'sent'],
    ['delivered', '✓✓', 'delivered'],
    ['read', '✓✓', 'read'],
    ['expired', '⊘', 'expired, not delivered'],
    ['failed', '✗', 'not sent'],
  ];

  it.each(states)('tell %s by a sign and, on the last message, in a word', (state, sign, word) => {
    const scene = Scene.inChat([said(1, 'hello', { by: 'alice', state })]);
    const rows = scene.rows();
    const at = rows.findIndex((row) => row.includes('hello'));
    expect(rows[at]).toMatch(new RegExp(`hello  12:00 ${sign}$`));
    expect(rows[at + 1]?.trim()).toBe(word);
  });

  it('say in a word what did not arrive on earlier messages, too', () => {
    const scene = Scene.inChat([said(1, 'one', { by: 'alice', state: 'failed' }), said(2, 'two', { by: 'alice' })]);
    expect(scene.screen()).toMatch(/one {2}12:00 ✗\n +not sent\n +two {2}12:00 ✓\n +sent\n/);
  });

  it('change in place', () => {
    const scene = Scene.inChat(many(3));
    scene.take({ type: 'message.known', message: said(1, 'mine', { by: 'alice', state: 'queued' }) });
    scene.take({ type: 'message.known', message: said(1, 'mine', { by: 'alice', state: 'read' }) });
    expect(scene.screen().match(/mine/g)).toHaveLength(1);
    expect(scene.screen()).toContain('mine  12:00 ✓✓');
  });
});

describe('a window of any size', () => {
  const long = 'a long line of words that has to be broken somewhere, 日本語テキスト';
  const messages = [said(1, long), said(1, long, { by: 'alice' }), said(2, 'x'.repeat(90))];
  const sizes = [28, 34, 60, 80, 200].flatMap((columns) => [7, 9, 24, 60].map((rows) => ({ columns, rows })));

  it.each(sizes)('%o is filled, and nothing stands over its edge', (size) => {
    const list = Scene.withBob({ unread: 1200, lastMessage: messages[0] }, size);
    const chat = Scene.inChat(messages, {}, size);
    chat.take({ type: 'key.known', chatId: bobsChat, key: { verified: false, changed: true, blocked: true } });
    const number = Scene.inChat(messages, {}, size);
    number.press('C-g');
    number.take({ type: 'safety.known', chatId: bobsChat, safety });
    const command = Scene.withBob({}, size);
    command.type(`:${'group of a long title '.repeat(4)}`);
    const output = Scene.withBob({}, size);
    const words = { title: 'Another device', lines: [long, 'x'.repeat(200)], qr: code };
    output.take({ type: 'command.done', output: words, open: undefined });
    for (const { state } of [list, chat, number, command, output]) {
      for (const glyphs of [unicodeGlyphs, asciiGlyphs]) {
        const { rows, cursor } = viewOf(state, glyphs);
        expect(rows).toHaveLength(size.rows);
        expect(rows.filter((row) => widthOf(textOf(row)) > size.columns).map(textOf)).toEqual([]);
        if (cursor) expect(cursor.row).toBeLessThan(size.rows);
      }
    }
  });

  it('that is too small says so', () => {
    expect(new Scene({ columns: 27, rows: 24 }).rows()).toEqual(['too small']);
  });

  it('tells the whole of a notice, and its keys, in a narrow one', () => {
    const scene = Scene.inChat([], {}, { columns: 34, rows: 14 });
    scene.take({ type: 'key.known', chatId: bobsChat, key: { verified: false, changed: true, blocked: true } });
    const words = scene.rows().slice(2, 5).join(' ').replace(/\s+/g, ' ');
    expect(words).toContain('Bob has a new key. Ctrl-G compares, Ctrl-Y accepts; nothing is sent before.');
  });
});

describe('the code of a safety number', () => {
  it('is read back from half blocks, and from spaces that are reversed', () => {
    const blocks = qrPicture(code, unicodeGlyphs);
    const light = blocks.rows.flatMap((row) => {
      const text = [...textOf(row)];
      return [text.map((block) => '█▀'.includes(block)), text.map((block) => '█▄'.includes(block))];
    });
    expect(decoded(light.slice(0, blocks.columns))).toEqual(code);
    const spaces = qrPicture(code, asciiGlyphs);
    expect(decoded(spaces.rows.map((row) => row.map(({ tone }) => tone === 'lit')))).toEqual(code);
    expect(spaces.rows.map(textOf).join('').trim()).toBe('');
  });

  it.each([
    [{ columns: 80, rows: 24 }, true],
    [{ columns: 66, rows: 24 }, false],
    [{ columns: 80, rows: 22 }, false],
  ])('stands beside the number in %o: %s', (size, shown) => {
    const scene = Scene.inChat([], {}, size);
    scene.press('C-g');
    scene.take({ type: 'safety.known', chatId: bobsChat, safety });
    expect(scene.screen()).toContain('12345 12345 12345 12345');
    expect(/█{30}/.test(scene.screen())).toBe(shown);
  });
});

it('the list shows who, what, how many and when', () => {
  const scene = Scene.withBob({ unread: 3, lastMessage: said(1, 'two\nlines', { state: 'received' }) });
  expect(scene.rows()[0]).toMatch(/^ Sotto {2}\+14155550101 {2}3 unread +● live$/);
  expect(scene.rows()[2]).toMatch(/^ › Bob +two lines +3 +12:00$/);
  scene.take({ type: 'typing.changed', chatId: bobsChat, typing: true });
  expect(scene.rows()[2]).toContain('typing …');
});

it('with ASCII alone, none of its own signs is beyond it', () => {
  const scene = Scene.inChat([said(1, 'hi', { by: 'alice', state: 'read' })]);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is that of ASCII.
  expect(scene.screen({ ascii: true })).toMatch(/^[\x00-\x7f]*$/);
});
