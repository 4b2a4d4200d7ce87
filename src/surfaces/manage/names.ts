import { DomainError } from '../../core/errors.ts'
import {
  type OrganizationName,
  parseOrganizationName,
  parseRepositoryName,
  type RepositoryName,
  readSlashes,
} from '../../protocol/manage/names.ts'
import { parseTag, type Tag, tagRule } from '../../protocol/oci/names.ts'
import type { Call } from './operation.ts'

/** The organization in the path. Throws `organization_name_invalid`. */
export function organizationIn({ path }: Call): OrganizationName {
  return organizationNamed(path.organization ?? '')
}

/** Organization and repository in the path, where `$` stands for a slash. Throws also `repository_name_invalid`. */
export function placeIn({ path }: Call): { organization: OrganizationName; repository: RepositoryName } {
  return placeNamed(path.organization ?? '', path.repository ?? '')
}

/** The same of names that stand elsewhere. */
export function placeNamed(
  organization: string,
  repository: string,
): { organization: OrganizationName; repository: RepositoryName } {
  const owner = organizationNamed(organization)
  const parsed = parseRepositoryName(readSlashes(repository))
  if (parsed.kind === 'name') return { organization: owner, repository: parsed.name }
  throw new DomainError('repository_name_invalid', 'the image repository name is invalid', { reason: parsed.reason })
}

/** The tag in the path. Throws `tag_invalid`. */
export function tagIn({ path }: Call): Tag {
  const tag = parseTag(path.tag ?? '')
  if (tag !== undefined) return tag
  throw new DomainError('tag_invalid', 'the tag is invalid', { reason: tagRule })
}

function organizationNamed(name: string): OrganizationName {
  const parsed = parseOrganizationName(name)
  if (parsed.kind === 'name') return parsed.name
  throw new DomainError('organization_name_invalid', 'the organization name is invalid', { reason: parsed.reason })
}
