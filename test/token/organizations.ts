import type { Level } from '../../src/core/access/level.ts'
import type { User } from '../../src/core/accounts/queries.ts'
import type { TestInstallation } from '../iam/installation.ts'

/** An organization with one private and one public repository; answers their ids. */
export async function addOrganization({ db, clock }: TestInstallation, owner: User, name: string) {
  const by = { creator_id: owner.id, creator_name: owner.name, created_ms: clock.nowMs() }
  return db.write(async tx => {
    const organization = await tx
      .insertInto('organizations')
      .values({ account_id: owner.accountId, name, ...by })
      .returning('id')
      .executeTakeFirstOrThrow()
    const repository = (called: string, isPublic: 0 | 1) =>
      tx
        .insertInto('repositories')
        .values({
          organization_id: organization.id,
          name: called,
          is_public: isPublic,
          category: 'other',
          updated_ms: by.created_ms,
          deleted_ms: null,
          ...by,
        })
        .returning('id')
        .executeTakeFirstOrThrow()
    return {
      id: organization.id,
      privateId: (await repository('private', 0)).id,
      publicId: (await repository('public/app', 1)).id,
    }
  })
}

export async function grantOrganization({ db, clock }: TestInstallation, id: number, user: User, level: Level) {
  const row = { organization_id: id, user_id: user.id, level, created_ms: clock.nowMs() }
  await db.write(tx => tx.insertInto('organization_grants').values(row).execute())
}

export async function grantRepository({ db, clock }: TestInstallation, id: number, user: User, level: Level) {
  const row = { repository_id: id, user_id: user.id, level, created_ms: clock.nowMs() }
  await db.write(tx => tx.insertInto('repository_grants').values(row).execute())
}
