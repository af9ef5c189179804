/** Control characters, lone surrogates, line ends; and marks, embeddings, overrides and isolates that turn the direction of what stands around them. */
const refused = /[\p{Cc}\p{Cs}\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/u;

/**
 * First and last of each run of characters of which nothing is seen: spaces, and what Unicode has for nobody's eyes. Listed one by one: by properties, clients of different engines would disagree.
 *
 * Emoji and several scripts need joiners and variation selectors: these are fine beside something that is seen.
 */
const unseen = [
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x115f, 0x1160],
  [0x1680, 0x1680],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x2000, 0x200f],
  [0x202f, 0x202f],
  [0x205f, 0x206f],
  [0x2800, 0x2800],
  [0x3000, 0x3000],
  [0x3164, 0x3164],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xfffb],
  [0x1bca0, 0x1bca3],
  [0x1d173, 0x1d17a],
  [0xe0000, 0xe0fff],
] as const;

/** Whether a text can stand as the name of something (docs/protocol.md, section 7): 1..`longest` Unicode code points, taken as they are, at least one that is seen, none that breaks a line or turns the direction of what stands around it. */
export function isShownName(text: string, longest: number): boolean {
  const points = [...text];
  return points.length >= 1 && points.length <= longest && !refused.test(text) && points.some(isSeen);
}

function isSeen(character: string): boolean {
  const point = character.codePointAt(0) ?? 0;
  return !unseen.some(([first, last]) => point >= first && point <= last);
}
