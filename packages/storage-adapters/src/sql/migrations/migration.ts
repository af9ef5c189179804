/** One step of the schema. What was released is never changed: a new step is added. */
export interface Migration {
  /** Counts from 1. */
  readonly version: number;
  readonly statements: readonly string[];
}
