import type { Project, User } from '../../core/accounts/queries.ts'
import type { KeystoneToken } from '../../identity/keystone-tokens.ts'
import { roleIds } from '../../protocol/iam/roles.ts'
import type { Profile, UserView, WholeUserView } from '../../protocol/iam/users.ts'
import { buildCatalog } from './catalog.ts'

/** The `token` object. Administrators carry the role by which clients of the public cloud know one. */
export function tokenBody(token: KeystoneToken, options: { baseUrl: string; region: string; hasCatalog: boolean }) {
  const { user, scope } = token
  const domain = { id: user.accountId, name: user.accountName }
  return {
    token: {
      methods: [...token.methods],
      issued_at: microseconds(token.issuedMs),
      expires_at: microseconds(token.expiresMs),
      user: { id: user.id, name: user.name, domain, password_expires_at: '' },
      ...(scope.kind === 'project' ? { project: { id: scope.project.id, name: scope.project.name, domain } } : {}),
      ...(scope.kind === 'account' ? { domain } : {}),
      roles: user.role === 'none' ? [] : [{ id: roleIds[user.role], name: user.role }],
      ...(options.hasCatalog ? { catalog: buildCatalog(options.baseUrl, options.region) } : {}),
    },
  }
}

export function projectBody(project: Project) {
  const { id, name, accountId } = project
  return { id, name, description: '', domain_id: accountId, parent_id: accountId, enabled: true, is_domain: false }
}

export function userBody(user: User, baseUrl: string): UserView {
  const links = { self: `${baseUrl}/v3/users/${user.id}` }
  return { id: user.id, name: user.name, domain_id: user.accountId, enabled: user.isEnabled, links }
}

export function wholeUserBody(user: User, profile: Profile, baseUrl: string): WholeUserView {
  return {
    ...userBody(user, baseUrl),
    description: profile.description ?? '',
    email: profile.email ?? '',
    areacode: profile.areacode ?? '',
    phone: profile.phone ?? '',
    xuser_type: profile.xuser_type ?? '',
    xuser_id: profile.xuser_id ?? '',
    default_project_id: profile.default_project_id ?? '',
    pwd_status: profile.pwd_status ?? false,
    access_mode: user.accessMode,
    is_domain_owner: false,
    create_time: microseconds(user.createdMs),
  }
}

/** What stands at the root of the API, for clients whose address says no version. */
export function versionsBody(baseUrl: string) {
  return { versions: { values: [versionBody(baseUrl).version] } }
}

/** The version document of `GET /v3`, by which keystoneauth finds the API. */
export function versionBody(baseUrl: string) {
  return {
    version: {
      id: 'v3.14',
      status: 'stable',
      updated: '2020-04-07T00:00:00Z',
      links: [{ rel: 'self', href: `${baseUrl}/v3/` }],
      'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
    },
  }
}

/** Keystone writes six digits behind the point, and some parsers ask for them. */
export function microseconds(timeMs: number): string {
  return new Date(timeMs).toISOString().replace('Z', '000Z')
}
