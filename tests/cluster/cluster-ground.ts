import type { ClusterRelayParts } from '../../packages/relay-server/src/cluster-node.ts';
import type { RelayWishes } from '../journeys/relay-kind.ts';

/** What one node of a cluster is given of what all share. */
export type NodeParts = Pick<ClusterRelayParts, 'engines' | 'link'>;

/** What the nodes of one cluster under test stand on. */
export interface ClusterGround {
  readonly cluster: string;
  readonly group: string;
  readonly topics: ClusterRelayParts['topics'];
  /** What another node works with, which closes it in the end. */
  node(): Promise<NodeParts>;
  /** Nobody works on it any more. */
  close(): Promise<void>;
}

/** Makes the ground of one cluster. */
export type GroundMaker = (wishes: RelayWishes) => Promise<ClusterGround>;
