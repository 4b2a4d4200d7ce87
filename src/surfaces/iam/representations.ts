import type { Project, User } from '../../core/accounts/queries.ts'
import type { KeystoneToken } from '../../identity/keystone-tokens.ts'
import { roleIds } from '../../protocol/iam/roles.ts'
import { buildCatalog } from './catalog.ts'

/** The `token` object. Administrators carry the role by which clients of the public cloud know one. */
export function tokenBody(token: KeystoneToken, options: { baseUrl: string; region: string; hasCatalog: boolean }) {
  const { user, scope } = token
  const domain = { id: user.accountId, name: user.accountName }
  return {
    token: {
      methods: ['password'],
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

export function userBody(user: User) {
  return { id: user.id, name: user.name, domain_id: user.accountId, enabled: user.isEnabled }
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
function microseconds(timeMs: number): string {
  return new Date(timeMs).toISOString().replace('Z', '000Z')
}
