import { parseArgs } from 'node:util';
import type { BenchOptions } from './bench.ts';

/** What the command line asks for. */
export type Command =
  | { readonly type: 'list' }
  | { readonly type: 'run'; readonly name: string; readonly options: BenchOptions }
  /** All of them, each in a process of its own; `report`: and into docs/benchmarks.md. */
  | { readonly type: 'all'; readonly options: BenchOptions; readonly report: boolean }
  | { readonly type: 'wrong'; readonly message: string };

/** Reads the command line. */
export function readCommand(args: readonly string[]): Command {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        seconds: { type: 'string' },
        rounds: { type: 'string' },
        messages: { type: 'string' },
        report: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return { type: 'list' };
    const [name, ...rest] = positionals;
    if (rest.length > 0) return { type: 'wrong', message: 'name one bench' };
    if (name === undefined) return { type: 'list' };
    const options = {
      seconds: positive('seconds', values.seconds),
      rounds: positive('rounds', values.rounds),
      messages: positive('messages', values.messages),
    };
    if (name === 'all') return { type: 'all', options, report: values.report };
    if (values.report) return { type: 'wrong', message: '--report goes with all' };
    return { type: 'run', name, options };
  } catch (error) {
    return { type: 'wrong', message: error instanceof Error ? error.message : String(error) };
  }
}

function positive(name: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const number = Number(given);
  if (!Number.isSafeInteger(number) || number < 1) throw new RangeError(`--${name} takes a whole number from 1`);
  return number;
}
