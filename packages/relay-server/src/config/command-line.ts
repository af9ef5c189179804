import { RelayError } from '../relay-error.ts';
import { nearestName } from './nearest-name.ts';

/** What the command line asks for. */
export type CommandLine =
  | { readonly command: 'help' }
  | { readonly command: 'version' }
  | {
      readonly command: 'serve';
      readonly configFile: string | undefined;
      readonly values: ReadonlyMap<string, string>;
    };

const valueFlags = ['--config', '--data', '--host', '--port'] as const;
const flags: readonly string[] = [...valueFlags, '--help', '--version'];

/**
 * Reads `sotto-relay`'s flags: `--name value` or `--name=value`.
 * @throws {RelayError} `config-invalid`
 */
export function readCommandLine(args: readonly string[]): CommandLine {
  const values = new Map<string, string>();
  for (let at = 0; at < args.length; at++) {
    const argument = args[at] ?? '';
    if (argument === '--help' || argument === '-h') return { command: 'help' };
    if (argument === '--version' || argument === '-v') return { command: 'version' };
    const split = argument.indexOf('=');
    const name = split < 0 ? argument : argument.slice(0, split);
    if (!valueFlags.some((flag) => flag === name)) throw unknownFlag(name);
    const value = split < 0 ? args[++at] : argument.slice(split + 1);
    if (value === undefined || value === '' || value.startsWith('--')) {
      throw new RelayError('config-invalid', `command line: \`${name}\` needs a value after it.`);
    }
    values.set(name.slice(2), value);
  }
  const configFile = values.get('config');
  values.delete('config');
  return { command: 'serve', configFile, values };
}

function unknownFlag(name: string): RelayError {
  const near = nearestName(name, flags);
  const hint = near === undefined ? 'see `sotto-relay --help`.' : `did you mean \`${near}\`?`;
  return new RelayError('config-invalid', `command line: unknown flag \`${name}\`: ${hint}`);
}
