import type { Writable } from 'node:stream';
import type { Client, ConnectionState } from '@sotto/sdk';

/** Says on `output` that the bot answers, once it is connected, and on `errors` when the relay is lost and when it is back: each once an outage. */
export function announceConnection(client: Client, output: Writable, errors: Writable): void {
  let answers = false;
  let outage = false;
  const changed = (state: ConnectionState) => {
    if (state === 'offline' && !outage) {
      outage = true;
      errors.write('echo-bot: the relay can not be reached: trying again\n');
    } else if (state === 'catching-up' || state === 'live') {
      if (outage) errors.write('echo-bot: connected again\n');
      outage = false;
      if (!answers) output.write('echo-bot: answers, until Ctrl-C\n');
      answers = true;
    }
  };
  client.on('connection.changed', ({ state }) => changed(state));
  changed(client.connection);
}
