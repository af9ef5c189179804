import encodeQr from 'qr';
import type { Glyphs } from '../screen/look.ts';
import { type Row, type Span, span } from '../screen/row.ts';

/** A picture made of rows that are all as wide. */
export interface Picture {
  readonly rows: readonly Row[];
  readonly columns: number;
}

/** In modules; less than the standard asks for, which scanners forgive, so that it fits into 80 columns and 24 rows. */
const border = 2;
const drawn = new WeakMap<Uint8Array, { readonly glyphs: Glyphs; readonly picture: Picture }>();

/**
 * Draws bytes as a QR code in binary mode, light on dark as a terminal mostly is: two modules a character by half blocks, or with ASCII alone two spaces a module, light ones reversed.
 * Remembered for the same bytes: the screen is made anew at each key.
 */
export function qrPicture(bytes: Uint8Array, glyphs: Glyphs): Picture {
  const known = drawn.get(bytes);
  if (known?.glyphs === glyphs) return known.picture;
  // Latin-1 is the one encoding in which a character is a byte.
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  const dark = encodeQr(text, 'raw', {
    encoding: 'byte',
    ecc: 'low',
    border,
    textEncoder: (latin) => Uint8Array.from(latin, (character) => character.charCodeAt(0)),
  });
  const picture = glyphs.unicode
    ? { rows: halfBlockRows(dark), columns: dark.length }
    : { rows: dark.map(spaceRow), columns: 2 * dark.length };
  drawn.set(bytes, { glyphs, picture });
  return picture;
}

function halfBlockRows(dark: readonly (readonly boolean[])[]): Row[] {
  return Array.from({ length: Math.ceil(dark.length / 2) }, (_, at) => {
    const upper = dark[2 * at] ?? [];
    const lower = dark[2 * at + 1];
    return [span(upper.map((isDark, column) => halfBlock(!isDark, lower?.[column] === false)).join(''), 'code')];
  });
}

function halfBlock(upper: boolean, lower: boolean): string {
  if (upper) return lower ? '█' : '▀';
  return lower ? '▄' : ' ';
}

function spaceRow(dark: readonly boolean[]): Row {
  return dark.map((isDark): Span => span('  ', isDark ? 'unlit' : 'lit'));
}
