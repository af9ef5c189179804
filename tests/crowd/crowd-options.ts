import { parseArgs } from 'node:util';

/** How large a crowd is. */
export interface CrowdOptions {
  readonly people: number;
  readonly devices: number;
  readonly messages: number;
  readonly seed: number;
}

export const usage = `npm run crowd -- [--messages N] [--people N] [--devices N] [--seed S]

People with several devices talk in groups and with each other through joins, leaves, removals, links, revocations and
restarts of the relay; in the end every device has to have what it has to have, once, in order. 30 people, 45 devices
and 5,000 messages when left out.
`;

/** Reads the command line. */
export function readCrowdOptions(args: readonly string[]): CrowdOptions | 'help' | { readonly wrong: string } {
  const number = { type: 'string' } as const;
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        people: number,
        devices: number,
        messages: number,
        seed: number,
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return 'help';
    const people = whole('people', values.people, 30, 8);
    return {
      people,
      devices: whole('devices', values.devices, Math.floor(people * 1.5), people + 4),
      messages: whole('messages', values.messages, 5_000, 1),
      seed: whole('seed', values.seed, 1, 0),
    };
  } catch (error) {
    return { wrong: error instanceof Error ? error.message : String(error) };
  }
}

function whole(name: string, given: string | undefined, usual: number, least: number): number {
  const number = given === undefined ? usual : Number(given);
  if (!Number.isSafeInteger(number) || number < least)
    throw new RangeError(`--${name} takes a whole number from ${least}`);
  return number;
}
