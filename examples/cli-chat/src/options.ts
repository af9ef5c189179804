import { parseArgs } from 'node:util';

/** How the chat is started. */
export interface ChatOptions {
  readonly relay: string;
  /** A folder, made if it is not there. */
  readonly data: string;
  readonly receipts: boolean;
  readonly typing: boolean;
  readonly ascii: boolean;
  /** Lines in and out instead of a screen. */
  readonly plain: boolean;
  /** With `plain`: whom the lines go to. */
  readonly to: string | undefined;
  /** The name under which this becomes another device of an account. */
  readonly linkAs: string | undefined;
}

export const usage = `npm run chat -- --data FOLDER [--relay URL]

  --data FOLDER    where the account and the history are kept; ./sotto-chat when left out
  --relay URL      the relay; http://localhost:8080 when left out
  --ascii          no sign beyond ASCII of its own, for fonts and terminals without them
  --plain          lines instead of a screen, for pipes and screen readers: what
                   comes is printed, what is read is sent
  --to NUMBER      with --plain: whom to send it to; or the title of a group
  --link-as NAME   at the first start: become another device of an account that
                   you have, under this name
  --no-receipts    tell nobody what came and what was read, and see neither
  --no-typing      tell nobody that you type, and see it of nobody
`;

/** Reads the command line; a text is what is wrong with it. */
export function readOptions(args: readonly string[]): ChatOptions | 'help' | { readonly wrong: string } {
  try {
    const { values } = parseArgs({
      args: [...args],
      allowNegative: true,
      options: {
        relay: { type: 'string', default: 'http://localhost:8080' },
        data: { type: 'string', default: './sotto-chat' },
        receipts: { type: 'boolean', default: true },
        typing: { type: 'boolean', default: true },
        ascii: { type: 'boolean', default: false },
        plain: { type: 'boolean', default: false },
        to: { type: 'string' },
        'link-as': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) return 'help';
    const { relay, data, receipts, typing, ascii, plain, to, 'link-as': linkAs } = values;
    if (to !== undefined && !plain) return { wrong: '--to goes with --plain' };
    return { relay, data, receipts, typing, ascii, plain, to, linkAs };
  } catch (error) {
    return { wrong: error instanceof Error ? error.message : String(error) };
  }
}
