import type { Database, Transaction } from '../../../metadata/database.ts'
import { lockRow } from '../../../metadata/dialects.ts'
import type { Row } from '../../../metadata/tables.ts'

/**
 * A live repository, held until the transaction ends against whoever changes it: every push does, so this waits for those
 * under way. Undefined when it is deleted.
 */
export async function holdRepository(
  tx: Transaction,
  engine: Database['engine'],
  id: number,
): Promise<Pick<Row<'repositories'>, 'is_public' | 'is_shared'> | undefined> {
  const live = tx.selectFrom('repositories').select(['is_public', 'is_shared']).where('id', '=', id)
  return lockRow(engine, live.where('deleted_ms', 'is', null)).executeTakeFirst()
}
