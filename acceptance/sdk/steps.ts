/** What a run of steps is about; each way of logging in has its own organization. */
export type Scene = { organization: string; userId: string; otherAccount: string; retentionId?: unknown }

/** A call by the SDK, what it has to answer, and facts about that. */
export type Step = {
  operation: string
  fields?: (scene: Scene) => { body?: unknown; [field: string]: unknown }
  status: number
  shows?: (scene: Scene) => object
  /** What later steps need of the answer. */
  keep?: (answered: { readonly [field: string]: unknown }, scene: Scene) => void
}

/** The repository's name where it stands in a path, and where it does not. */
const inPath = 'team$app'
const name = 'team/app'
const ofOrganization = ({ organization }: Scene) => ({ namespace: organization })
const ofRepository = (scene: Scene) => ({ ...ofOrganization(scene), repository: inPath })
const grant = ({ userId }: Scene, auth: number) => [{ user_id: userId, user_name: 'colleague', auth }]
const share = { permit: 'read', deadline: 'forever', description: 'x' }

const ofRetention = (scene: Scene) => ({ ...ofRepository(scene), retention_id: scene.retentionId })
const rulesOf = (days: string) => [
  { template: 'date_rule', params: { days }, tag_selectors: [{ kind: 'label', pattern: 'v1' }] },
]

/** Before an image is there. */
export const stepsBeforeThePush: readonly Step[] = [
  { operation: 'listApiVersions', status: 200, shows: () => ({ versions: [{ id: 'v2' }] }) },
  {
    operation: 'showApiVersion',
    fields: () => ({ api_version: 'v2' }),
    status: 200,
    shows: () => ({ version: { id: 'v2' } }),
  },
  { operation: 'createNamespace', fields: ({ organization }) => ({ body: { namespace: organization } }), status: 201 },
  {
    operation: 'listNamespaces',
    fields: ({ organization }) => ({ filter: `namespace::${organization}|mode::visible` }),
    status: 200,
    shows: ({ organization }) => ({ namespaces: [{ name: organization, auth: 7 }] }),
  },
  {
    operation: 'showNamespace',
    fields: ofOrganization,
    status: 200,
    shows: ({ organization }) => ({ name: organization, auth: 7, creator_name: 'user1' }),
  },
  {
    operation: 'createNamespaceAuth',
    fields: scene => ({ ...ofOrganization(scene), body: grant(scene, 3) }),
    status: 201,
  },
  {
    operation: 'updateNamespaceAuth',
    fields: scene => ({ ...ofOrganization(scene), body: grant(scene, 1) }),
    status: 201,
  },
  {
    operation: 'showNamespaceAuth',
    fields: ofOrganization,
    status: 200,
    shows: scene => ({ self_auth: { user_name: 'user1', auth: 7 }, others_auths: grant(scene, 1) }),
  },
  {
    operation: 'deleteNamespaceAuth',
    fields: scene => ({ ...ofOrganization(scene), body: [scene.userId] }),
    status: 204,
  },
  {
    operation: 'createRepo',
    fields: scene => ({ ...ofOrganization(scene), body: { repository: name, is_public: true, category: 'linux' } }),
    status: 201,
  },
  {
    operation: 'showRepository',
    fields: ofRepository,
    status: 200,
    shows: () => ({ name, category: 'linux', is_public: true }),
  },
  {
    operation: 'updateRepo',
    fields: scene => ({ ...ofRepository(scene), body: { is_public: false, category: 'lang', description: 'new' } }),
    status: 201,
  },
  {
    operation: 'showRepository',
    fields: ofRepository,
    status: 200,
    shows: () => ({ category: 'lang', is_public: false, description: 'new' }),
  },
  {
    operation: 'listReposDetails',
    fields: ({ organization }) => ({ namespace: organization, limit: '10', offset: '0' }),
    status: 200,
    shows: () => ({ 0: { name, total_range: 1 }, 'Content-Range': '0-1/1' }),
  },
  {
    operation: 'listReposDetails',
    fields: ({ organization }) => ({
      filter: `center::self|namespace::${organization}|name::team/|limit::10|offset::0`,
    }),
    status: 200,
    shows: () => ({ 0: { name }, 'Content-Range': '0-1/1' }),
  },
  {
    operation: 'createUserRepositoryAuth',
    fields: scene => ({ ...ofRepository(scene), body: grant(scene, 1) }),
    status: 201,
  },
  {
    operation: 'updateUserRepositoryAuth',
    fields: scene => ({ ...ofRepository(scene), body: grant(scene, 3) }),
    status: 201,
  },
  {
    operation: 'showUserRepositoryAuth',
    fields: ofRepository,
    status: 200,
    shows: scene => ({ name, self_auth: { auth: 7 }, others_auths: grant(scene, 3) }),
  },
  {
    operation: 'deleteUserRepositoryAuth',
    fields: scene => ({ ...ofRepository(scene), body: [scene.userId] }),
    status: 204,
  },
]

/** With an image under the tag `v1`. */
export const stepsAfterThePush: readonly Step[] = [
  {
    operation: 'listRepositoryTags',
    fields: scene => ({
      ...ofRepository(scene),
      limit: '10',
      offset: '0',
      order_column: 'updated_at',
      order_type: 'asc',
    }),
    status: 200,
    shows: () => ({ 0: { Tag: 'v1', tag: 'v1', schema: 2, deleted: null }, 'Content-Range': '0-1/1' }),
  },
  {
    operation: 'createRepoTag',
    fields: scene => ({ ...ofRepository(scene), body: { source_tag: 'v1', destination_tag: 'v2' } }),
    status: 201,
  },
  {
    operation: 'listRepositoryTags',
    fields: scene => ({ ...ofRepository(scene), filter: 'tag::v2' }),
    status: 200,
    shows: () => ({ 0: { Tag: 'v2' } }),
  },
  { operation: 'deleteRepoTag', fields: scene => ({ ...ofRepository(scene), tag: 'v2' }), status: 204 },
  {
    operation: 'createRepoDomains',
    fields: scene => ({ ...ofRepository(scene), body: { access_domain: scene.otherAccount, ...share } }),
    status: 201,
  },
  {
    operation: 'showAccessDomain',
    fields: scene => ({ ...ofRepository(scene), access_domain: scene.otherAccount }),
    status: 200,
    shows: scene => ({
      exist: true,
      repository: name,
      access_domain: scene.otherAccount,
      deadline: 'forever',
      status: true,
    }),
  },
  {
    operation: 'listRepoDomains',
    fields: ofRepository,
    status: 200,
    shows: scene => ({ 0: { access_domain: scene.otherAccount, permit: 'read' } }),
  },
  {
    operation: 'updateRepoDomains',
    fields: scene => ({
      ...ofRepository(scene),
      access_domain: scene.otherAccount,
      body: { permit: 'read', deadline: '2021-10-01T16:00:00.000Z', description: 'y' },
    }),
    status: 201,
  },
  {
    operation: 'showAccessDomain',
    fields: scene => ({ ...ofRepository(scene), access_domain: scene.otherAccount }),
    status: 200,
    shows: () => ({ exist: true, deadline: '2021-10-01T16:00:00.000Z', description: 'y', status: false }),
  },
  {
    operation: 'listSharedReposDetails',
    fields: ({ organization }) => ({ center: 'self', namespace: organization, limit: '10', offset: '0' }),
    status: 200,
    shows: () => ({ 0: { name, total_range: 1 }, 'Content-Range': '0-1/1' }),
  },
  {
    operation: 'deleteRepoDomains',
    fields: scene => ({ ...ofRepository(scene), access_domain: scene.otherAccount }),
    status: 204,
  },
  {
    operation: 'showAccessDomain',
    fields: scene => ({ ...ofRepository(scene), access_domain: scene.otherAccount }),
    status: 200,
    shows: () => ({ exist: false }),
  },
  {
    operation: 'createRetention',
    fields: scene => ({ ...ofRepository(scene), body: { algorithm: 'or', rules: rulesOf('30') } }),
    status: 201,
    keep: ({ id }, scene) => {
      scene.retentionId = id
    },
  },
  {
    operation: 'listRetentions',
    fields: ofRepository,
    status: 200,
    shows: scene => ({ 0: { id: scene.retentionId, algorithm: 'or', rules: rulesOf('30'), scope: '' } }),
  },
  {
    operation: 'updateRetention',
    fields: scene => ({ ...ofRetention(scene), body: { algorithm: 'or', rules: rulesOf('60') } }),
    status: 201,
  },
  {
    operation: 'showRetention',
    fields: ofRetention,
    status: 200,
    shows: scene => ({ id: scene.retentionId, rules: rulesOf('60') }),
  },
  {
    operation: 'listRetentionHistories',
    fields: scene => ({ ...ofRepository(scene), filter: 'limit::10|offset::0' }),
    status: 200,
    shows: () => ({ retention_log: [], total: 0, 'Content-Range': '0-0/0' }),
  },
  { operation: 'deleteRetention', fields: ofRetention, status: 200 },
  { operation: 'listQuotas', status: 200, shows: () => ({ quotas: [{ quota_key: 'namespace' }, {}] }) },
  { operation: 'showDomainOverview', status: 200, shows: () => ({ domain_name: 'OTC-ACCEPTANCE' }) },
  {
    operation: 'showDomainResourceReports',
    fields: () => ({ resource_type: 'store', frequency: 'daily' }),
    status: 200,
  },
  {
    operation: 'showShareFeatureGates',
    status: 200,
    shows: () => ({ enable_list_v3: true, enable_experience: false }),
  },
  {
    operation: 'createSecret',
    fields: () => ({ projectname: 'eu-de' }),
    status: 200,
    shows: () => ({ auths: {} }),
  },
  { operation: 'deleteRepo', fields: ofRepository, status: 204 },
  { operation: 'deleteNamespaces', fields: ofOrganization, status: 204 },
]

/** A call of an operation that the SDK lacks, made through its client all the same. */
export type RawStep = { call: string; query?: object; status: number; shows?: object }

/** With an image under `v1` of `team/app`; `*` is the organization. */
export const rawSteps: readonly RawStep[] = [
  { call: 'GET /v2/manage/namespaces/*/repos/team$app/tags/v1', status: 200, shows: { tag: 'v1', schema: 2 } },
  { call: 'GET /v2/manage/namespaces/*/repos/team$app/tags/v1/config', status: 200, shows: { architecture: 'amd64' } },
  {
    call: 'GET /v2/manage/namespaces/*/repos/team$app/v1/references',
    query: { limit: '10' },
    status: 200,
    shows: { has_more: false },
  },
  {
    call: 'GET /v2/manage/namespaces/*/repos/team$app/v1/accessories',
    query: { limit: '10', offset: '0' },
    status: 200,
    shows: { total: 0, accessories: [] },
  },
  { call: 'POST /v2/manage/utils/authorizationtoken', status: 200, shows: { auths: {} } },
  { call: 'GET /v2/manage/agency', status: 200, shows: { is_agency: false } },
  { call: 'GET /v3/manage/repos', query: { limit: '10', namespace: '*' }, status: 200, shows: { repos: [{ name }] } },
  {
    call: 'GET /v3/manage/shared-repositories',
    query: { shared_by: 'self', namespace: '*' },
    status: 200,
    shows: { repos: [] },
  },
  {
    call: 'GET /v3/manage/namespaces/*/repos/team$app/tags',
    query: { limit: '10', with_manifest: 'true' },
    status: 200,
    shows: { tags: [{ tag: 'v1' }], has_more: false },
  },
]
