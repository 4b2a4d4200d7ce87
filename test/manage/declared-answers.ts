import { isDeepStrictEqual } from 'node:util'
import { errorViews } from '../../src/protocol/manage/envelope.ts'
import { errorAnswersOf } from '../../src/surfaces/manage/errors-of.ts'
import type { Operation } from '../../src/surfaces/manage/operation.ts'
import type { WireAnswer } from '../../src/surfaces/manage/surface.ts'

/**
 * Holds every answer of a server of the tests against what its operation declares: status, headers, each field of the
 * body and no other, and of errors the code. `assertKept` throws what differed.
 */
export function watchAnswers(): { onAnswer: (operation: Operation, answer: WireAnswer) => void; assertKept(): void } {
  const breaches = new Set<string>()
  return {
    onAnswer: (operation, answer) => {
      const breach = breachOf(operation, answer)
      if (breach !== undefined) breaches.add(`${operation.route} answered what it does not declare: ${breach}`)
    },
    assertKept: () => {
      if (breaches.size > 0) throw new Error([...breaches].join('\n'))
    },
  }
}

/** What of an answer is not as declared. */
export function breachOf(operation: Operation, { status, body, headers }: WireAnswer): string | undefined {
  const text = body instanceof ReadableStream ? undefined : (body ?? 'null')
  if (status >= 400) return breachOfError(operation, status, JSON.parse(text ?? 'null'))
  const declared = operation.answer
  if (status !== declared.status) return `status ${status} and not ${declared.status}`
  const names = Object.keys(headers).filter(name => name !== 'content-type')
  if (!isDeepStrictEqual(names.toSorted(), Object.keys(declared.headers).toSorted())) return `headers ${names}`
  if (declared.view === undefined) return body === undefined ? undefined : `the body ${body}`
  // What comes a piece at a time is read by who asked for it.
  return text === undefined ? undefined : breachOfView(declared.view, JSON.parse(text))
}

function breachOfError(operation: Operation, status: number, body: unknown): string | undefined {
  const isArray = Array.isArray(body)
  const breach = breachOfView(isArray ? errorViews.array : errorViews.object, body)
  if (breach !== undefined) return breach
  const code = isArray ? errorViews.array.parse(body)[0]?.errorCode : errorViews.object.parse(body).errorCode
  const isDeclared = errorAnswersOf(operation).some(wire => wire.status === status && wire.code === code)
  return isDeclared ? undefined : `${status} ${code}`
}

/** Parsing leaves out what the schema doesn't have, at any depth. */
function breachOfView(view: NonNullable<Operation['answer']['view']>, body: unknown): string | undefined {
  const parsed = view.safeParse(body)
  if (!parsed.success) return parsed.error.message
  return isDeepStrictEqual(parsed.data, body) ? undefined : `more than the schema has: ${JSON.stringify(body)}`
}
