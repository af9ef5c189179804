import type { ClusterRelayParts } from '@sotto/relay-server';
import type { RelayWishes } from '../journeys/relay-kind.ts';

/** What one node of a cluster is given of what all share. */
export type GroundParts = Pick<
  ClusterRelayParts,
  'engines' | 'link' | 'relayKey' | 'trustRoot' | 'cluster' | 'group' | 'topics' | 'drainMs'
>;

/** What the nodes of one cluster under test stand on. */
export interface ClusterGround {
  /** As in a config file: what journeys don't say. */
  readonly settings: object;
  /** The private key of the root of its certificates. */
  readonly trustRoot: Uint8Array;
  /** What another node works with, which closes engines and link in the end. */
  node(): Promise<GroundParts>;
  /** Nobody works on it any more. */
  close(): Promise<void>;
}

/** Makes the ground of one cluster. */
export type GroundMaker = (wishes: RelayWishes) => Promise<ClusterGround>;
