import { foundations } from './001-foundations.ts'
import { sparseManifests } from './002-sparse-manifests.ts'
import { sweeping } from './003-sweeping.ts'
import { indexShape } from './004-index-shape.ts'
import { shares } from './005-shares.ts'
import { accountFigures } from './006-account-figures.ts'
import { rolesOfUsers } from './007-roles.ts'
import { refusedLogins } from './008-refused-logins.ts'
import { signatures } from './009-signatures.ts'
import { repositoryLists } from './010-repository-lists.ts'
import { retention } from './011-retention.ts'
import { usersByIam } from './012-users-by-iam.ts'
import { sharesByName } from './013-shares-by-name.ts'
import { secondFactors } from './014-second-factors.ts'
import { repositoryOrders } from './015-repository-orders.ts'
import type { Migration } from './migration.ts'

/** Every step in order; the newest version is what this program needs. */
export const migrations: readonly Migration[] = [
  foundations,
  sparseManifests,
  sweeping,
  indexShape,
  shares,
  accountFigures,
  rolesOfUsers,
  refusedLogins,
  signatures,
  repositoryLists,
  retention,
  usersByIam,
  sharesByName,
  secondFactors,
  repositoryOrders,
]

export const newestVersion = migrations.reduce((newest, step) => Math.max(newest, step.version), 0)
