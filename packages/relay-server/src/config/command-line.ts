import { RelayError } from '../relay-error.ts';
import { nearestName } from './nearest-name.ts';

/** What the command line asks for. */
export type CommandLine =
  | { readonly command: 'help' }
  | { readonly command: 'version' }
  | {
      /** `migrate`: makes what the engines of a cluster need, and ends. `forget-prekeys`: has no one-time prekey given out that is there now, and ends. */
      readonly command: 'serve' | (typeof commands)[number];
      readonly configFile: string | undefined;
      readonly values: ReadonlyMap<string, string>;
    };

const valueFlags = ['--config', '--data', '--host', '--port'] as const;
const commands = ['migrate', 'forget-prekeys'] as const;
const flags: readonly string[] = [...valueFlags, '--help', '--version'];

/**
 * Reads what `sotto-relay` is to do, which is to serve unless something else is said first, and its flags: `--name value` or `--name=value`.
 * @throws {RelayError} `config-invalid`
 */
export function readCommandLine(args: readonly string[]): CommandLine {
  const values = new Map<string, string>();
  const command = commands.find((name) => name === args[0]) ?? 'serve';
  for (let at = command === 'serve' ? 0 : 1; at < args.length; at++) {
    const argument = args[at] ?? '';
    if (argument === '--help' || argument === '-h') return { command: 'help' };
    if (argument === '--version' || argument === '-v') return { command: 'version' };
    const split = argument.indexOf('=');
    const name = split < 0 ? argument : argument.slice(0, split);
    if (!valueFlags.some((flag) => flag === name)) throw unknownWord(name);
    const value = split < 0 ? args[++at] : argument.slice(split + 1);
    if (value === undefined || value === '' || value.startsWith('--')) {
      throw new RelayError('config-invalid', `command line: \`${name}\` needs a value after it.`);
    }
    values.set(name.slice(2), value);
  }
  const configFile = values.get('config');
  values.delete('config');
  return { command, configFile, values };
}

function unknownWord(name: string): RelayError {
  const isFlag = name.startsWith('-');
  const near = nearestName(name, isFlag ? flags : commands);
  const hint =
    near === undefined
      ? 'see `sotto-relay --help`.'
      : near === name
        ? 'it comes first, before all flags.'
        : `did you mean \`${near}\`?`;
  return new RelayError('config-invalid', `command line: unknown ${isFlag ? 'flag' : 'command'} \`${name}\`: ${hint}`);
}
