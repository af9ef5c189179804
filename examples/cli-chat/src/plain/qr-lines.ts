import { unicodeGlyphs } from '../screen/look.ts';
import { textOf } from '../screen/row.ts';
import { qrPicture } from '../views/qr-picture.ts';

/** A text as a QR code of half blocks, light on dark. */
export function qrLines(text: string): readonly string[] {
  return qrPicture(new TextEncoder().encode(text), unicodeGlyphs).rows.map((row) => textOf(row));
}
