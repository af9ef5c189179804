/** A terminal's screen as `tmux capture-pane -e` gives it. */
export interface Capture {
  readonly title: string;
  readonly text: string;
  readonly columns: number;
  readonly rows: number;
}

const cell = { width: 8.4, height: 18 };
const margin = 14;
const head = 26;
const colors: Readonly<Record<string, string>> = { 31: '#ff7b72', 32: '#7ee787', 33: '#e3b341', 36: '#79c0ff' };

/** Draws screens side by side, as SVG: what was captured, in its colours. `title` is what screen readers say. */
export function pictureOf(title: string, captures: readonly Capture[]): string {
  let x = margin;
  const parts: string[] = [];
  let height = 0;
  for (const capture of captures) {
    // A style lasts until it is changed, over the ends of rows too.
    const pen: Pen = { style: plain };
    const width = capture.columns * cell.width + 2 * margin;
    const tall = head + capture.rows * cell.height + margin;
    parts.push(
      `<rect x="${x}" y="${margin}" width="${width}" height="${tall}" rx="8" fill="#0d1117" stroke="#30363d"/>`,
      `<text x="${x + width / 2}" y="${margin + 18}" text-anchor="middle" fill="#8b949e">${escaped(capture.title)}</text>`,
      ...capture.text
        .split('\n')
        .slice(0, capture.rows)
        .map((line, row) => lineOf(line, pen, x + margin, margin + head + (row + 1) * cell.height)),
    );
    x += width + margin;
    height = Math.max(height, tall + 2 * margin);
  }
  const style = 'font: 14px "DejaVu Sans Mono", "Noto Sans Mono", monospace; white-space: pre';
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${Math.round(x)} ${height}" width="${Math.round(x)}" height="${height}" style='${style}'>\n<title>${escaped(title)}</title>\n${parts.filter((part) => part !== '').join('\n')}\n</svg>\n`;
}

/** One row: each character is a text in its column, so that what a font draws wider than the terminal moves nothing. */
function lineOf(line: string, pen: Pen, x: number, y: number): string {
  let column = 0;
  const texts: string[] = [];
  for (const piece of line.split('\x1b')) {
    const codes = /^\[([\d;]*)m/.exec(piece);
    for (const code of codes?.[1]?.split(';') ?? []) pen.style = styled(pen.style, code);
    const text = codes ? piece.slice(codes[0].length) : piece;
    for (const { segment } of new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text)) {
      const width = columnsOf(segment);
      if (segment.trim() !== '' && width > 0) texts.push(cellOf(segment, x + column * cell.width, y, pen.style));
      column += width;
    }
  }
  return texts.join('');
}

type Pen = { style: Style };

const plain: Style = { color: '', bold: false, dim: false, reverse: false };

type Style = { color: string; bold: boolean; dim: boolean; reverse: boolean };

function styled(style: Style, code: string): Style {
  if (code === '' || code === '0') return plain;
  if (code === '1') return { ...style, bold: true };
  if (code === '2') return { ...style, dim: true };
  if (code === '7') return { ...style, reverse: true };
  if (code === '39') return { ...style, color: '' };
  return colors[code] === undefined ? style : { ...style, color: colors[code] };
}

function cellOf(text: string, x: number, y: number, { color, bold, dim, reverse }: Style): string {
  const fill = reverse ? '#f0f6fc' : color || (dim ? '#8b949e' : '#e6edf3');
  return `<text x="${x.toFixed(1)}" y="${y}" fill="${fill}"${bold || reverse ? ' font-weight="bold"' : ''}>${escaped(text)}</text>`;
}

/** As the terminal that was captured counts them: wide scripts and emoji take two. */
function columnsOf(grapheme: string): number {
  if (/^\p{Cf}$/u.test(grapheme)) return 0;
  return /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/u.test(
    grapheme,
  )
    ? 2
    : 1;
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
