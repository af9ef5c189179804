import { embeddedRelay } from './embedded-relay.ts';
import type { RelayKind, RelayUnderTest, RelayWishes } from './relay-kind.ts';

let kind: RelayKind = embeddedRelay;

/** From now on, journeys of this process go through relays of another kind. */
export function journeysGoThrough(other: RelayKind): void {
  kind = other;
}

/** A relay of the kind that journeys go through. */
export function relayUnderTest(wishes: RelayWishes): RelayUnderTest {
  return kind(wishes);
}
