import type { Place } from '../../core/access/queries.ts'
import { DomainError } from '../../core/errors.ts'
import { type RepositoryPath, splitRepositoryPath } from '../../protocol/oci/names.ts'

/**
 * The organization and repository that a name stands for. Throws `repository_name_invalid` for a name of one component,
 * which belongs to no organization, with the name the user most likely means.
 */
export function placeOf(name: RepositoryPath, host: string): Required<Place> {
  const place = splitRepositoryPath(name)
  if (place) return place
  throw new DomainError(
    'repository_name_invalid',
    `${name} names no organization: use ${host}/<organization>/${name}`,
    { name },
  )
}
