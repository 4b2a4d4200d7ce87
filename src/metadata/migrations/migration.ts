/**
 * One step of the schema. Steps only go forward, are small, and run inside one transaction on either engine.
 * `statements` gets the engine's spelling of the few column types that tables are made of.
 */
export type Migration = {
  version: number
  name: string
  statements: (types: ColumnTypes) => readonly string[]
}

export type ColumnTypes = {
  /** For the few things that only one of them has. */
  engine: 'sqlite' | 'postgres'
  /** Whole column definition of a surrogate key: never reused, below 2^53. */
  id: string
  /** Text that compares byte for byte. */
  text: string
  int: string
  bytes: string
  /** Stands behind a table whose rows live in its primary key (SQLite: no second tree). */
  clustered: string
}
