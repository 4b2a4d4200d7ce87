import { DomainError } from '../../core/errors.ts'
import { type PageBounds, parsePage } from '../../protocol/manage/paging.ts'
import { type ListParameters, parameterOf, readParameters } from '../../protocol/manage/parameters.ts'
import type { Call } from './operation.ts'

type Parameters = ListParameters & { kind: 'parameters' }

/** The parameters of a list request. Throws `filter_invalid`. */
export function listParametersOf({ exchange }: Call, keys: readonly string[]): Parameters {
  const parameters = readParameters(exchange.url.searchParams, keys)
  if (parameters.kind === 'parameters') return parameters
  throw new DomainError('filter_invalid', 'the parameters of the list are invalid', { reason: parameters.reason })
}

/** A parameter that has only these values, or undefined where it is absent. Throws `parameter_invalid`. */
export function oneOf<Value extends string>(
  values: readonly Value[],
  parameters: Parameters,
  parameter: string,
): Value | undefined {
  const text = parameterOf(parameters, parameter)
  if (text === undefined) return undefined
  const value = values.find(each => each === text)
  if (value !== undefined) return value
  throw new DomainError('parameter_invalid', `${parameter} is invalid`, {
    parameter,
    reason: `${parameter} is one of ${values.join(', ')}`,
  })
}

/** The page that a list is asked for, within the API's usual bounds unless others are given. Throws `page_invalid`. */
export function pageOf(parameters: Parameters, bounds?: PageBounds): { limit: number; offset: number } {
  const page = parsePage(parameterOf(parameters, 'limit'), parameterOf(parameters, 'offset'), bounds)
  if (page.kind === 'invalid') throw pageInvalid(page.reason)
  return { limit: page.limit, offset: page.offset }
}

export function pageInvalid(reason: string): DomainError {
  return new DomainError('page_invalid', 'the page asked for is invalid', { reason })
}
