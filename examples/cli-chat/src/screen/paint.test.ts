import { expect, it } from 'vitest';
import { asciiGlyphs, type Look, lookOf, unicodeGlyphs } from './look.ts';
import { paint } from './paint.ts';
import { foreign, type Row, type Screen, span } from './row.ts';

const look: Look = { color: true, glyphs: unicodeGlyphs };
const esc = '\x1b';

function screenOf(...rows: readonly Row[]): Screen {
  return { rows, cursor: undefined };
}

it('paints everything once, then only what changed', () => {
  const first = screenOf([span('one')], [span('two', 'bad')]);
  expect(paint(undefined, first, look)).toBe(
    `${esc}[?25l${esc}[0m${esc}[2J${esc}[1;1H${esc}[Kone${esc}[2;1H${esc}[K${esc}[31mtwo${esc}[0m`,
  );
  expect(paint(first, screenOf([span('one')], [span('2')]), look)).toBe(`${esc}[?25l${esc}[2;1H${esc}[K2`);
  expect(paint(first, screenOf([span('one')]), look)).toBe(`${esc}[?25l${esc}[2;1H${esc}[K`);
});

it('sets the column anew behind what terminals measure differently', () => {
  const painted = paint(screenOf(), screenOf([foreign('a👨‍👩‍👧'), span('!')]), look);
  expect(painted).toContain(`a👨‍👩‍👧${esc}[1;4H!`);
});

it('keeps the direction of a text of others inside', () => {
  expect(paint(screenOf(), screenOf([foreign('שלום'), span(' 12:30')]), look)).toContain('\u2069');
  expect(paint(screenOf(), screenOf([span('שלום')]), look)).not.toContain('\u2069');
});

it('tells by weight what it may not tell by colour', () => {
  const painted = paint(screenOf(), screenOf([span('read', 'accent'), span(' late', 'dim')]), {
    ...look,
    color: false,
  });
  expect(painted).toContain(`${esc}[1mread${esc}[0m late`);
});

it('shows question marks as wide as the text on a terminal without Unicode', () => {
  const painted = paint(screenOf(), screenOf([foreign('日本 ok')]), { color: true, glyphs: asciiGlyphs });
  expect(painted.endsWith('???? ok')).toBe(true);
});

it('learns from the environment what a terminal shows', () => {
  expect(lookOf({ TERM: 'xterm', LANG: 'de_DE.UTF-8' })).toEqual({ color: true, glyphs: unicodeGlyphs });
  expect(lookOf({ TERM: 'vt100', LANG: 'C' })).toEqual({ color: false, glyphs: asciiGlyphs });
  expect(lookOf({ TERM: 'screen', LC_ALL: 'C.utf8', NO_COLOR: '1' })).toEqual({ color: false, glyphs: unicodeGlyphs });
  expect(lookOf({ TERM: 'xterm', NO_COLOR: '' }).color).toBe(true);
});
