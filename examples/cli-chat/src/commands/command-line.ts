/** A command as it was typed. */
export interface CommandLine {
  /** In lower case; empty when nothing was typed. */
  readonly name: string;
  readonly words: readonly string[];
}

/** What is wrong with a command, in words for whoever typed it. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** Reads a command: its name, and the words after it. */
export function readCommandLine(line: string): CommandLine {
  const [name = '', ...words] = line.trim().replace(/^:/, '').trim().split(/\s+/);
  return { name: name.toLowerCase(), words };
}

/** Words before the first number, and the numbers. @throws {CommandError} */
export function titleAndNumbers(words: readonly string[]): {
  readonly title: string;
  readonly numbers: readonly string[];
} {
  const first = words.findIndex((word) => word.startsWith('+'));
  const title = (first < 0 ? words : words.slice(0, first)).join(' ');
  const numbers = first < 0 ? [] : words.slice(first);
  if (title === '' || numbers.length === 0) throw new CommandError('say :group TITLE +NUMBER +NUMBER ...');
  return { title, numbers };
}
