import type { CompiledQuery, DialectAdapter, InsertObject, QueryResult } from 'kysely'
import type { Parameter, Reader, Transaction } from './database.ts'
import type { NewRow, Tables } from './tables.ts'

/**
 * A query that is built and compiled once, and bound at every use: for paths that write or read many times in a request.
 * Building and compiling takes Kysely several times as long as SQLite takes to run what comes out.
 */
export type Statement<Values, Row> = {
  all: (db: Reader, values: Values) => Promise<Row[]>
  first: (db: Reader, values: Values) => Promise<Row | undefined>
  /** For a change that answers no rows: how many it touched. */
  change: (db: Transaction, values: Values) => Promise<number>
}

/**
 * `build` runs once for each engine. What it is given as values are stand-ins for those of each use: it hands them on to
 * Kysely and never looks at them, so a query whose shape depends on a value is one statement per shape (`perShape`).
 */
export function statement<Values extends Record<string, Parameter>, Row>(
  build: (db: Reader, values: Values) => { compile: (db: Reader) => CompiledQuery<Row> },
): Statement<Values, Row> {
  const compiled = new WeakMap<DialectAdapter, CompiledQuery<Row>>()
  const run = (db: Reader, values: Values): Promise<QueryResult<Row>> => {
    const { adapter } = db.getExecutor()
    let query = compiled.get(adapter)
    if (!query) {
      query = build(db, standIns as Values).compile(db)
      compiled.set(adapter, query)
    }
    return db.executeQuery({ ...query, parameters: query.parameters.map(each => bind(each, values)) })
  }
  return {
    all: async (db, values) => (await run(db, values)).rows,
    first: async (db, values) => (await run(db, values)).rows[0],
    change: async (db, values) => Number((await run(db, values)).numAffectedRows ?? 0),
  }
}

/** One statement for each shape, made when it is first needed; the shapes have to be few. */
export function perShape<Shape extends string | number, S>(make: (shape: Shape) => S): (shape: Shape) => S {
  const made = new Map<Shape, S>()
  return shape => {
    const known = made.get(shape)
    if (known) return known
    const fresh = make(shape)
    made.set(shape, fresh)
    return fresh
  }
}

/** Engines bound the number of parameters of a statement, and each number of rows is one shape. */
const rowsPerInsert = 200

/** Adds any number of rows that have just these columns, each of them given. */
export function insertion<Table extends keyof Tables, Column extends keyof NewRow<Table> & string>(
  table: Table,
  columns: readonly Column[],
): (tx: Transaction, rows: readonly Pick<NewRow<Table>, Column>[]) => Promise<void> {
  const nameOf = (column: Column, number: number) => `${number} ${column}`
  const insert = perShape((count: number) =>
    statement((db, values: Record<string, Parameter>) => {
      const row = (number: number) => columns.map(column => [column, values[nameOf(column, number)]])
      const rows = Array.from({ length: count }, (_, number) => Object.fromEntries(row(number)))
      return db.insertInto(table).values(rows as unknown as InsertObject<Tables, Table>[])
    }),
  )
  return async (tx, rows) => {
    for (let from = 0; from < rows.length; from += rowsPerInsert) {
      const values: Record<string, Parameter> = {}
      const some = rows.slice(from, from + rowsPerInsert)
      for (const [number, row] of some.entries()) {
        for (const column of columns) values[nameOf(column, number)] = row[column] as Parameter
      }
      await insert(some.length).change(tx, values)
    }
  }
}

/** Stands where the value of that name will. */
class StandIn {
  constructor(readonly name: string) {}
}

const standIns: unknown = new Proxy({}, { get: (_target, name) => new StandIn(String(name)) })

function bind(parameter: unknown, values: Record<string, Parameter>): unknown {
  return parameter instanceof StandIn ? values[parameter.name] : parameter
}
