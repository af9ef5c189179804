import { variableOf } from './config-key.ts';
import { allConfigKeys } from './config-keys.ts';

/** What `sotto-relay --help` prints. */
export function usage(): string {
  const keys = allConfigKeys.map(
    ({ name, fallback, expects }) =>
      `  ${name} (${variableOf(name)})\n      ${expects}; default ${JSON.stringify(fallback)}`,
  );
  return `sotto-relay: hands ciphertext over at once, keeps it up to 30 days, then deletes it.

  sotto-relay [--config FILE] [--data DIR] [--host HOST] [--port N]
  sotto-relay migrate [--config FILE]
  sotto-relay forget-prekeys [--config FILE]
  sotto-relay --help | --version

  migrate         makes what the engines of a cluster need, or brings it up to date, and ends: nodes may run meanwhile
  forget-prekeys  after a restore of a cluster's Cassandra: no one-time prekey is given out that is there now

  --config FILE   a JSON file with the keys below, nested at the dots
  --data DIR      where the relay keeps its database, its files and its key
  --host HOST     the address to listen on; 127.0.0.1 = this machine alone, 0.0.0.0 = all
  --port N        the port to listen on; 0 = any free one

Flags win over environment variables, those over the file, that over the defaults.

${keys.join('\n')}
`;
}
