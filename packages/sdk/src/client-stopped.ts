import { SottoError } from './sotto-error.ts';

/** The failure of everything that is asked of a client, or was under way in it, after `stop`. */
export function clientStopped(): SottoError {
  return new SottoError('client-stopped', 'the client was stopped: open a new one');
}
