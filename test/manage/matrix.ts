import { insertImage } from './images.ts'
import type { ManageServer, TestUser } from './server.ts'

/**
 * Who asks, in the order of the columns below. `nobody` has no token and `expired` one of yesterday; `disabled` managed the
 * organization until it was disabled; `foreign` administers another account; `plain` holds nothing but the role `SWR
 * OperateAccess`, as those with a grant do: `r…` of that level on the repository, `o…` on the organization. `bare7` has no
 * role and a grant of 7 on the organization, `read7` and `guest7` the same with `SWR ReadOnlyAccess` and `Tenant Guest`.
 * `full` is an `SWR FullAccess`, `admin` a `te_admin`, neither with a grant. `shared` administers an account that the
 * repository is shared with, and `ended` one with which it was until a day that is over.
 */
export const askers =
  'nobody expired disabled foreign plain r1 r3 r7 o1 o3 o7 bare7 read7 guest7 full admin shared ended'.split(' ')

/**
 * What an operation finds: an organization with the private repository `r`, where `v1` is tagged, both granted to `granted`; the repository is
 * shared with OTC222 for ever and with OTC333 until long ago.
 */
export type Stage = {
  server: ManageServer
  /** Manages the organization. */
  owner: TestUser
  organization: string
  /** Holds 1 on the organization and on the repository. */
  granted: TestUser
  /** Holds nothing. */
  grantee: TestUser
}

export type Row = {
  /** The path's other names, beside `:organization` and `:repository`. */
  names?: Readonly<Record<string, string>>
  /** Behind the path, with its question mark. */
  query?: string
  body?: (stage: Stage) => unknown
  /** Makes what the operation needs, as the owner; runs anew for every stage. */
  prepare?: (stage: Stage) => Promise<void>
  answers: string
}

const grantOf = (user: TestUser, auth = 1) => ({ user_id: user.id, user_name: user.name, auth })

/** The project of the account that all but `foreign`, `shared` and `ended` are of. */
export const projectOfOwner = '1'.repeat(32)

export const shareWith = (account: string, deadline = 'forever') => ({
  access_domain: account,
  permit: 'read',
  deadline,
})

export const keepSeven = {
  algorithm: 'or',
  rules: [{ template: 'tag_rule', params: { num: '7' }, tag_selectors: [] }],
}

/** The only policy there is, with an id that rows can name. */
async function makePolicy({ server, organization }: Stage): Promise<void> {
  await server.db.write(async tx => {
    await tx.deleteFrom('retention_policies').execute()
    const { id } = await tx
      .selectFrom('repositories as r')
      .innerJoin('organizations as o', 'o.id', 'r.organization_id')
      .select('r.id')
      .where('o.name', '=', organization)
      .executeTakeFirstOrThrow()
    const rules = JSON.stringify([{ keeps: 'newest', count: 7, exempts: [] }])
    const creator = { creator_id: '', creator_name: '', created_ms: 1, updated_ms: 1 }
    await tx
      .insertInto('retention_policies')
      .values({ id: 1, repository_id: id, rules, revision: 1, ...creator })
      .execute()
  })
}

/**
 * What each asker is answered by each operation, by the operation's route (SWR user manual, "Permission Management"). An
 * operation without a row fails the tests, and so does a row without an operation.
 */
export const matrix: Readonly<Record<string, Row>> = {
  'organization.create': {
    body: ({ organization }) => ({ namespace: `${organization}-more` }),
    answers: '401 401 401 201 201 201 201 201 201 201 201 403 403 403 201 201 201 201',
  },
  'organization.list': { answers: '401 401 401 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200' },
  'organization.get': { answers: '401 401 401 404 404 200 200 200 200 200 200 200 200 200 200 200 404 404' },
  'organization.delete': { answers: '401 401 401 404 404 403 403 403 403 403 406 406 403 403 406 406 404 404' },
  'organization.list-grants': { answers: '401 401 401 404 404 403 403 403 200 200 200 200 200 200 200 200 404 404' },
  'organization.grant': {
    body: ({ grantee }) => [grantOf(grantee)],
    answers: '401 401 401 404 404 403 403 403 403 403 201 201 403 403 201 201 404 404',
  },
  'organization.change-grants': {
    body: ({ granted }) => [grantOf(granted)],
    answers: '401 401 401 404 404 403 403 403 403 403 201 201 403 403 201 201 404 404',
  },
  'organization.revoke': {
    body: ({ granted }) => [granted.id],
    answers: '401 401 401 404 404 403 403 403 403 403 204 204 403 403 204 204 404 404',
  },
  'repository.create': {
    body: () => ({ repository: 'new', is_public: false }),
    answers: '401 401 401 404 404 403 403 403 403 201 201 201 403 403 201 201 404 404',
  },
  'repository.list': { answers: '401 401 401 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200' },
  'repository.get': { answers: '401 401 401 404 404 200 200 200 200 200 200 200 200 200 200 200 200 404' },
  'repository.update': {
    body: () => ({ description: 'x' }),
    answers: '401 401 401 404 404 403 201 201 403 201 201 201 403 403 201 201 403 404',
  },
  'repository.delete': { answers: '401 401 401 404 404 403 403 204 403 403 204 204 403 403 204 204 403 404' },
  'repository.list-grants': { answers: '401 401 401 404 404 200 200 200 200 200 200 200 200 200 200 200 403 404' },
  'repository.grant': {
    body: ({ grantee }) => [grantOf(grantee)],
    answers: '401 401 401 404 404 403 403 201 403 201 201 201 403 403 201 201 403 404',
  },
  'repository.change-grants': {
    body: ({ granted }) => [grantOf(granted)],
    answers: '401 401 401 404 404 403 403 201 403 201 201 201 403 403 201 201 403 404',
  },
  'repository.revoke': {
    body: ({ granted }) => [granted.id],
    answers: '401 401 401 404 404 403 403 204 403 204 204 204 403 403 204 204 403 404',
  },
  'repository.list-v3': { answers: '401 401 401 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200' },
  'repository.share': {
    body: () => shareWith('OTC111'),
    answers: '401 401 401 404 404 403 403 201 403 403 201 201 403 403 201 201 403 404',
  },
  'repository.list-shares': { answers: '401 401 401 404 404 200 200 200 200 200 200 200 200 200 200 200 403 404' },
  'repository.get-share': {
    names: { account: 'OTC222' },
    answers: '401 401 401 404 404 200 200 200 200 200 200 200 200 200 200 200 403 404',
  },
  'repository.change-share': {
    names: { account: 'OTC222' },
    body: () => shareWith(''),
    answers: '401 401 401 404 404 403 403 201 403 403 201 201 403 403 201 201 403 404',
  },
  'repository.unshare': {
    names: { account: 'OTC222' },
    answers: '401 401 401 404 404 403 403 204 403 403 204 204 403 403 204 204 403 404',
  },
  'repository.list-shared': {
    query: '?center=self',
    answers: '401 401 401 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200',
  },
  'repository.list-shared-v3': {
    query: '?shared_by=self',
    answers: '401 401 401 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200',
  },
  'tag.list': { answers: '401 401 401 404 404 200 200 200 200 200 200 200 200 200 200 200 200 404' },
  'tag.list-v3': { answers: '401 401 401 404 404 200 200 200 200 200 200 200 200 200 200 200 200 404' },
  'tag.get': {
    names: { tag: 'v1' },
    prepare: async ({ server, owner, organization }) => {
      const { body } = await server.ask(owner, `GET /v2/manage/namespaces/${organization}/repos/r`)
      await insertImage(server.db, { repositoryId: body.id, tags: ['v1'] })
    },
    answers: '401 401 401 404 404 200 200 200 200 200 200 200 200 200 200 200 200 404',
  },
  'tag.create': {
    body: () => ({ source_tag: 'v1', destination_tag: 'v2' }),
    answers: '401 401 401 404 404 403 201 201 403 201 201 201 403 403 201 201 403 404',
  },
  'tag.delete': {
    names: { tag: 'v1' },
    answers: '401 401 401 404 404 403 403 204 403 403 204 204 403 403 204 204 403 404',
  },
  // The image has no config.
  'tag.get-config': {
    names: { tag: 'v1' },
    answers: '401 401 401 404 404 400 400 400 400 400 400 400 400 400 400 400 400 404',
  },
  'tag.list-references': {
    names: { tag: 'v1' },
    answers: '401 401 401 404 404 200 200 200 200 200 200 200 200 200 200 200 200 404',
  },
  'tag.list-accessories': {
    names: { tag: 'v1' },
    answers: '401 401 401 404 404 200 200 200 200 200 200 200 200 200 200 200 200 404',
  },
  'retention.create': {
    body: () => keepSeven,
    // There is one already, which only those are told who may make one.
    answers: '401 401 401 404 404 403 403 409 403 403 409 409 403 403 409 409 403 404',
  },
  'retention.list': { answers: '401 401 401 404 404 200 200 200 200 200 200 200 200 200 200 200 403 404' },
  'retention.history': { answers: '401 401 401 404 404 200 200 200 200 200 200 200 200 200 200 200 403 404' },
  'retention.get': {
    names: { retention: '1' },
    prepare: makePolicy,
    answers: '401 401 401 404 404 200 200 200 200 200 200 200 200 200 200 200 403 404',
  },
  'retention.update': {
    names: { retention: '1' },
    body: () => keepSeven,
    answers: '401 401 401 404 404 403 403 201 403 403 201 201 403 403 201 201 403 404',
  },
  'retention.delete': {
    names: { retention: '1' },
    answers: '401 401 401 404 404 403 403 200 403 403 200 200 403 403 200 200 403 404',
  },
  'account.quotas': {
    names: { project: projectOfOwner },
    answers: '401 401 401 403 200 200 200 200 200 200 200 200 200 200 200 200 403 403',
  },
  'account.feature-gates': {
    names: { project: projectOfOwner },
    answers: '401 401 401 403 200 200 200 200 200 200 200 200 200 200 200 200 403 403',
  },
  'account.overview': { answers: '401 401 401 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200' },
  'account.report': {
    names: { resource: 'store', frequency: 'daily' },
    answers: '401 401 401 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200',
  },
  'agency.get': { answers: '401 401 401 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200' },
  'agency.authorize': {
    prepare: async ({ server }) => void (await server.db.write(tx => tx.deleteFrom('agencies').execute())),
    answers: '401 401 401 204 403 403 403 403 403 403 403 403 403 403 204 204 204 204',
  },
  'login.create': {
    query: '?projectname=eu-de',
    answers: '401 401 401 400 200 200 200 200 200 200 200 200 200 200 200 200 400 400',
  },
  'login.create-token': { answers: '401 401 401 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200' },
}
