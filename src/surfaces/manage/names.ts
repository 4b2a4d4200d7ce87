import { DomainError } from '../../core/errors.ts'
import {
  type OrganizationName,
  parseOrganizationName,
  parseRepositoryName,
  type RepositoryName,
  readSlashes,
} from '../../protocol/manage/names.ts'
import type { Call } from './operation.ts'

/** The organization in the path. Throws `organization_name_invalid`. */
export function organizationIn({ path }: Call): OrganizationName {
  const parsed = parseOrganizationName(path.organization ?? '')
  if (parsed.kind === 'name') return parsed.name
  throw new DomainError('organization_name_invalid', 'the organization name is invalid', { reason: parsed.reason })
}

/** Organization and repository in the path, where `$` stands for a slash. Throws also `repository_name_invalid`. */
export function placeIn(call: Call): { organization: OrganizationName; repository: RepositoryName } {
  const organization = organizationIn(call)
  const parsed = parseRepositoryName(readSlashes(call.path.repository ?? ''))
  if (parsed.kind === 'name') return { organization, repository: parsed.name }
  throw new DomainError('repository_name_invalid', 'the image repository name is invalid', { reason: parsed.reason })
}
