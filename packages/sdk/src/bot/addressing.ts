/** What somebody says in a chat, as a bot hears it. */
export interface Heard {
  /** Without the bot's name in front. */
  readonly text: string;
  /** It begins with the bot's name, or is a command that is not another one's. */
  readonly isAddressed: boolean;
}

const command = /^(\/[a-z0-9_]{1,32})(?:@([^\s@]{1,50}))?(?=\s|$)/i;
/** What may stand between a name and the text. */
const separator = /^[\s,:;.!?-]+/;

/**
 * Reads a text for the bot of this name: `@Name text`, `/command`, `/command@Name`. In the short form the name is without its spaces; its case does not matter.
 *
 * A command is for every bot that knows it, unless it names one; a text only for the one that it names.
 */
export function hearFor(name: string, said: string): Heard {
  const text = withoutName(name, said.trim());
  const rest = text ?? said.trim();
  const found = command.exec(rest);
  if (found === null) return { text: text ?? said, isAddressed: text !== undefined };
  const [whole, slashed = '', to] = found;
  if (to === undefined) return { text: text ?? said, isAddressed: true };
  const isOwn = to.toLowerCase() === name.replace(/\s/g, '').toLowerCase();
  return isOwn ? { text: slashed + rest.slice(whole.length), isAddressed: true } : { text: said, isAddressed: false };
}

/** What follows the name at the beginning; undefined when another text begins so. */
function withoutName(name: string, said: string): string | undefined {
  const mention = `@${name}`;
  if (name === '' || said.slice(0, mention.length).toLowerCase() !== mention.toLowerCase()) return undefined;
  const rest = said.slice(mention.length);
  if (rest === '') return '';
  const gap = separator.exec(rest)?.[0];
  return gap === undefined ? undefined : rest.slice(gap.length);
}
