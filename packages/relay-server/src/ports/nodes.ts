/**
 * Which nodes of the cluster are up: they say so again and again. A hint, never the truth: one that is listed may be gone, one that is not may be there.
 *
 * Nodes are named as `NodeLink` names them. Times are milliseconds since the Unix epoch, by the callers' clocks.
 */
export interface Nodes {
  /** Says that `node` is up, until then unless it says so again. The last word counts. */
  announce(node: string, until: number): Promise<void>;
  /** All but `node` that are up at `now`, in any order. */
  others(node: string, now: number): Promise<readonly string[]>;
  /** Says that `node` goes; harmless when it was not there. */
  leave(node: string): Promise<void>;
}
