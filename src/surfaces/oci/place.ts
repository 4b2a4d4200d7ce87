import type { Place } from '../../core/access/queries.ts'
import { DomainError } from '../../core/errors.ts'
import { type RepositoryPath, splitRepositoryPath } from '../../protocol/oci/names.ts'

/**
 * The organization and repository that a name stands for. Throws `organization_unknown` for a name of one component,
 * which belongs to no organization, with the name the user most likely means.
 */
export function placeOf(name: RepositoryPath, host: string): Required<Place> {
  const place = splitRepositoryPath(name)
  if (place) return place
  throw new DomainError(
    // Not "invalid": docker tries again for half a minute then, and gives up at once when the name is unknown.
    'organization_unknown',
    `${name} names no organization: use ${host}/<organization>/${name}`,
    { name },
  )
}
