import type { Watch } from '../led/watch.ts';
import { embeddedRelay, embeddedRelayProcess } from './embedded-relay.ts';
import type { KillableRelay, RelayKind, RelayUnderTest, RelayWishes } from './relay-kind.ts';

let kind: RelayKind = { inProcess: embeddedRelay, killable: embeddedRelayProcess };

/** From now on, journeys of this process go through relays of another kind. */
export function journeysGoThrough(other: RelayKind): void {
  kind = other;
}

/** A relay in this process, of the kind that journeys go through. */
export function relayUnderTest(wishes: RelayWishes): RelayUnderTest {
  return kind.inProcess(wishes);
}

/** The same in processes that can be killed. @param config as in a config file */
export function killableRelay(data: string, watch: Watch, config: object): KillableRelay {
  return kind.killable(data, watch, config);
}
