import type { ErrorCode } from '../../core/errors.ts'
import { type Wire, wiresOf } from './errors.ts'
import type { Operation } from './operation.ts'

/**
 * Everything that can be wrong with a call to the operation: what it says itself, and what follows from its path, its
 * query and its body.
 */
export function errorsOf(operation: Operation): readonly ErrorCode[] {
  const { errors, path, query, filter, body, method } = operation
  return [
    ...new Set<ErrorCode>([
      ...['unauthenticated', 'credentials_invalid', 'scope_insufficient', 'unavailable'],
      ...(method === 'GET' ? [] : ['denied', 'read_only', 'storage_full']),
      ...(path.includes(':organization') ? ['organization_name_invalid', 'organization_unknown', 'denied'] : []),
      ...(path.includes(':repository') ? ['repository_name_invalid', 'repository_unknown'] : []),
      ...(path.includes(':project') ? ['denied'] : []),
      ...(query ? ['parameter_invalid'] : []),
      ...(filter ? ['filter_invalid'] : []),
      ...(query && 'limit' in query.shape ? ['page_invalid'] : []),
      ...(body ? ['body_unparsable', 'body_type_unsupported', 'body_too_large'] : []),
      ...(body ? ['parameter_missing', 'parameter_invalid'] : []),
      ...errors,
    ] as ErrorCode[]),
  ]
}

/** The same as status and code on this wire, each once. */
export function errorAnswersOf(operation: Operation): readonly Wire[] {
  const wires = errorsOf(operation).flatMap(code => wiresOf(code, operation))
  return [...new Map(wires.map(wire => [`${wire.status} ${wire.code}`, wire])).values()]
}
