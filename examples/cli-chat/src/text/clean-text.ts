// Whatever others wrote (messages, names) and whatever is pasted goes through here before it is shown or sent.

/** Marks stacked on one letter that are left; more of them only paint over the lines above and below. */
const stackedMarks = /(\p{M}{6})\p{M}+/gu;
const lineEnds = /\r\n?|[\v\f\u0085\u2028\u2029]/g;
/** Embeddings, overrides and isolates would turn the direction of text that is ours. */
const directionControls = /[\u202a-\u202e\u2066-\u2069]/g;
/** Take no place, and hide a difference between two names or words: soft hyphen, zero-width space, joiners of words, byte order mark, annotations. */
const invisible = /[\u00ad\u180e\u200b\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb]/g;
const tabs = /\t/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the point.
const controls = /[\0-\x09\x0b-\x1f\x7f-\x9f]/g;

/**
 * A text that a terminal only shows: no character in it commands anything.
 *
 * Control characters become their pictures (ESC is ␛), those of the C1 set U+FFFD; line ends of any kind become line feeds, tabs four spaces; characters that turn the direction of the text or take no place fall out; at most six marks are stacked on a letter.
 */
export function cleanText(text: string): string {
  return text
    .toWellFormed()
    .replace(lineEnds, '\n')
    .replace(tabs, '    ')
    .replace(controls, picture)
    .replace(directionControls, '')
    .replace(invisible, '')
    .replace(stackedMarks, '$1');
}

/** The same on one line: for names, and for the list of chats. */
export function cleanLine(text: string): string {
  return cleanText(text).replace(/\s+/g, ' ').trim();
}

function picture(control: string): string {
  const code = control.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? '\u2421' : '\ufffd';
}
