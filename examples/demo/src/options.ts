import { parseArgs } from 'node:util';

/** What the demo was asked for. */
export interface DemoOptions {
  /** A text file whose lines are sent instead of the demo's own messages. */
  readonly messages: string | undefined;
  /** Where what arrived is written. */
  readonly received: string | undefined;
}

export const usage = `npm run demo                                          three users and their group, one away, the relay killed in between
npm run demo -- --messages FILE [--received OUT]     each line of FILE from the first user to the second; what arrived goes to OUT
`;

/** Reads the command line; a text is what is wrong with it. */
export function readOptions(args: readonly string[]): DemoOptions | 'help' | { readonly wrong: string } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { messages: { type: 'string' }, received: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) return 'help';
    if (values.received !== undefined && values.messages === undefined) {
      return { wrong: '--received needs --messages FILE' };
    }
    if (values.messages !== undefined && values.messages === values.received) {
      return { wrong: '--received would write over the file to send: name another one' };
    }
    return { messages: values.messages, received: values.received };
  } catch (error) {
    return { wrong: error instanceof Error ? error.message : String(error) };
  }
}
