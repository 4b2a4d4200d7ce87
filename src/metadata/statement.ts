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

/**
 * One statement for each shape, made when it is first needed and kept for good; so the shapes have to be few. Where they
 * are numbers of values, those come through `filledUp` or `inPieces`: who pushes could otherwise have one made of each.
 */
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

/** The values up to the next power of two, filled up with the last of them: for `in`, where twice is as good as once. */
export function filledUp<T>(values: readonly T[]): T[] {
  const length = values.length === 0 ? 0 : 2 ** Math.ceil(Math.log2(values.length))
  return Array.from({ length }, (_, index) => values[Math.min(index, values.length - 1)] as T)
}

/** Most manifests have fewer layers: so many go in one piece, whatever their number. */
const inOnePiece = 16

/**
 * The values in their order in pieces: as long as the largest power of two that is left, and `most`, allow, and then the
 * rest.
 */
export function* inPieces<T>(values: readonly T[], most: number): Iterable<readonly T[]> {
  let from = 0
  while (from < values.length) {
    const left = values.length - from
    const length = left <= inOnePiece ? left : Math.min(most, 2 ** Math.floor(Math.log2(left)))
    yield values.slice(from, from + length)
    from += length
  }
}

/** A power of two: engines bound the number of parameters of a statement. */
const rowsPerInsert = 128

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
    for (const some of inPieces(rows, rowsPerInsert)) {
      const values: Record<string, Parameter> = {}
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
