import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { readonly type: 'minor' }) => void;

setFlagsFromString('--expose-gc');
const collect: Collect = runInNewContext('gc');

/**
 * Collects what was made lately and is not needed any more.
 *
 * Each call into libsignal leaves some twenty native handles, whose end costs a sixth of the call, but only when the engine collects:
 * usually while it is somebody else's turn. Called before and within each measured part, it has everybody pay for their own.
 */
export function collectYoungGarbage(): void {
  collect({ type: 'minor' });
}
