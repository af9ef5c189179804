import { parseArgs } from 'node:util';

/** What the bot was asked for. */
export interface EchoOptions {
  readonly relay: string;
  /** A folder for its database. */
  readonly data: string;
  readonly phone: string;
  /** The code that was sent to the number; it is asked for when it is needed and was not given. */
  readonly code: string | undefined;
}

export const usage = `npm run echo-bot -- --relay URL --data DIR --phone +14155550102 [--code 123456]

--relay URL     the relay, for example http://localhost:8080
--data DIR      where the bot keeps its account and its history
--phone NUMBER  its number, for its first start
--code CODE     the code that was sent there; without it the bot asks
`;

/** Reads the command line; a text is what is wrong with it. */
export function readOptions(args: readonly string[]): EchoOptions | 'help' | { readonly wrong: string } {
  try {
    const text = { type: 'string' } as const;
    const { values } = parseArgs({
      args: [...args],
      options: { relay: text, data: text, phone: text, code: text, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) return 'help';
    const { relay, data, phone, code } = values;
    if (relay === undefined || data === undefined || phone === undefined) {
      return { wrong: '--relay, --data and --phone are needed' };
    }
    return { relay, data, phone, code };
  } catch (error) {
    return { wrong: error instanceof Error ? error.message : String(error) };
  }
}
