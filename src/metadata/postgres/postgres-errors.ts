import { DomainError } from '../../core/errors.ts'

/** The code of an error of the server (SQLSTATE) or of the socket, '' where it has none. */
export function postgresCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** PostgreSQL's errors as codes of core; everything else passes unchanged. */
export function translatePostgresError(error: unknown): unknown {
  const code = postgresCode(error)
  if (code === '53100') {
    return new DomainError('storage_full', 'the disk of PostgreSQL is full', {}, { cause: error })
  }
  const isCut = error instanceof Error && cutMessages.some(message => error.message.startsWith(message))
  // 08: connection exceptions; 57P0x: the server stops or starts; 53300: too many connections.
  if (isCut || socketCodes.has(code) || code.startsWith('08') || code.startsWith('57P') || code === '53300') {
    return new DomainError('unavailable', 'PostgreSQL does not answer', {}, { cause: error })
  }
  return error
}

/**
 * As `translatePostgresError`, for a transaction that was begun to change something: that it may not is no defect of this
 * program then, but a server that became a standby (0A000 when it begins, 25006 when it changes something).
 */
export function translatePostgresWriteError(error: unknown): unknown {
  const isRecovering = error instanceof Error && error.message.includes('during recovery')
  if (postgresCode(error) !== '25006' && !(postgresCode(error) === '0A000' && isRecovering)) {
    return translatePostgresError(error)
  }
  const message = 'PostgreSQL takes no changes: it is a standby; let database.url lead to the server that does'
  return new DomainError('unavailable', message, {}, { cause: error })
}

/** What the driver says in words only. */
const cutMessages = [
  'Connection terminated',
  'timeout exceeded when trying to connect',
  'Query read timeout',
  'Client has encountered a connection error',
]

const socketCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
])
