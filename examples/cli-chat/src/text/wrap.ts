import { type Grapheme, graphemesOf } from './graphemes.ts';

/** Breaks a clean text into lines of at most so many columns: at spaces, before and after wide characters, and inside a word only where it alone is too long. */
export function wrapText(text: string, columns: number): string[] {
  return text.split('\n').flatMap((line) => wrapLine(graphemesOf(line), Math.max(2, columns)));
}

function wrapLine(graphemes: readonly Grapheme[], columns: number): string[] {
  const lines: string[] = [];
  let line: Grapheme[] = [];
  let width = 0;
  for (const grapheme of graphemes) {
    // Spaces hang over the edge: where the line breaks, they are the break.
    if (width + grapheme.width > columns && grapheme.text !== ' ') {
      const at = breakIn(line, grapheme);
      lines.push(textOf(line.slice(0, at)).trimEnd());
      line = line.slice(at);
      width = line.reduce((sum, each) => sum + each.width, 0);
    }
    line.push(grapheme);
    width += grapheme.width;
  }
  const last = textOf(line);
  lines.push(width > columns ? last.trimEnd() : last);
  return lines;
}

/** Where a full line breaks when `next` follows: how many of its graphemes stay. */
function breakIn(line: readonly Grapheme[], next: Grapheme): number {
  if (next.width > 1) return line.length;
  for (let at = line.length; at > 0; at--) {
    const before = line[at - 1];
    if (before !== undefined && (before.text === ' ' || before.width > 1)) return at;
  }
  return line.length;
}

function textOf(graphemes: readonly Grapheme[]): string {
  return graphemes.map(({ text }) => text).join('');
}
