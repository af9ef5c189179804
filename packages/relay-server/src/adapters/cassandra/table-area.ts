/** The tables of one part of the relay: statement by statement, and a step that was released never changes. Each must be harmless when it is carried out twice: `CREATE TABLE IF NOT EXISTS`, `ALTER TABLE ... ADD IF NOT EXISTS`. */
export interface TableArea {
  /** Under which the number of its steps is kept; never changes. */
  readonly name: string;
  readonly steps: readonly string[];
}
