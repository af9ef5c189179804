import type { FuzzTarget } from './fuzz-target.ts';
import { clientTarget } from './targets/client-target.ts';
import { decoderTargets } from './targets/decoder-target.ts';
import { httpTarget } from './targets/http-target.ts';
import { RelayUnderFuzz } from './targets/relay-under-fuzz.ts';
import { streamTarget } from './targets/stream-target.ts';
import { textTargets } from './targets/text-targets.ts';

/** Targets that are functions: coverage can lead through them. */
export function pureTargets(): readonly FuzzTarget[] {
  return [...decoderTargets(), ...textTargets()];
}

/** Targets that are programs on sockets, around one relay. */
export async function liveTargets(): Promise<{
  readonly targets: readonly FuzzTarget[];
  readonly relay: RelayUnderFuzz;
}> {
  const relay = await RelayUnderFuzz.open();
  return { targets: [streamTarget(relay), await httpTarget(relay), await clientTarget(relay)], relay };
}
