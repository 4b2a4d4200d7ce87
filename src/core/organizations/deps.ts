import type { Database } from '../../metadata/database.ts'
import type { Access } from '../access/access.ts'
import type { Clock } from '../clock.ts'

/** What commands of organizations and of repositories are given. */
export type Deps = { db: Database; access: Access; clock: Clock }

/** What their questions are given. */
export type ReadDeps = Pick<Deps, 'db' | 'access'>
