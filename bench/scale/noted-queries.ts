import type { CompiledQuery, KyselyPlugin, RootOperationNode } from 'kysely'
import type { Database, Reader } from '../../src/metadata/database.ts'

export type NotedQuery = { ms: number; query: CompiledQuery }

/** A database that notes what its readers ask, and how long each answer took. */
export function noteQueries(db: Database): { db: Database; take: () => NotedQuery[] } {
  const begun = new Map<object, { at: number; node: RootOperationNode }>()
  let noted: { ms: number; node: RootOperationNode }[] = []
  const plugin: KyselyPlugin = {
    transformQuery: ({ node, queryId }) => {
      begun.set(queryId, { at: performance.now(), node })
      return node
    },
    transformResult: async ({ result, queryId }) => {
      const query = begun.get(queryId)
      begun.delete(queryId)
      if (query) noted.push({ ms: performance.now() - query.at, node: query.node })
      return result
    },
  }
  const executor = db.read.getExecutor()
  return {
    db: {
      engine: db.engine,
      read: db.read.withPlugin(plugin),
      write: (body, options) => db.write(body, options),
      prepare: (name, text) => db.prepare(name, text),
      version: of => db.version(of),
      check: () => db.check(),
      copyTo: file => db.copyTo(file),
      [Symbol.asyncDispose]: async () => {},
    },
    take: () => {
      const taken = noted.map(({ ms, node }) => ({ ms, query: executor.compileQuery(node, { queryId: 'scale' }) }))
      noted = []
      return taken
    },
  }
}

/** How the engine answers a query, a line a step. */
export async function planOf(read: Reader, engine: Database['engine'], query: CompiledQuery): Promise<string[]> {
  const explain = engine === 'sqlite' ? 'explain query plan' : 'explain (analyze, buffers)'
  const { rows } = await read.executeQuery<Record<string, unknown>>({ ...query, sql: `${explain} ${query.sql}` })
  return rows.map(row => String(engine === 'sqlite' ? row.detail : row['QUERY PLAN']))
}
